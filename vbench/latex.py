"""Writes LaTeX: text that stays text, and tables in the style of booktabs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_SIGNS = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"$<$",
        ">": r"$>$",
        "*": r"$^{*}$",
        "∅": r"$^{\emptyset}$",
        "†": r"$^{\dagger}$",
        "‡": r"$^{\ddagger}$",
        "§": r"$^{\S}$",
        "≈": r"$^{\approx}$",
        "±": r"$\pm$",
        "×": r"$\times$",
        "·": r"$\cdot$",
        "↑": r"$\uparrow$",
        "↓": r"$\downarrow$",
        "–": "--",
        "—": "---",
        "²": r"$^{2}$",
        "³": r"$^{3}$",
        "\n": " ",
    }
)


def escape(text: str) -> str:
    """Return text that LaTeX sets as it is, on one line."""
    return text.translate(_SIGNS)


def table(
    header: Sequence[str], rows: Iterable[Sequence[str]], caption: str, notes: Sequence[str] = ()
) -> list[str]:
    """Return a floating table, a line per row; needs the package booktabs.

    Args:
        header: LaTeX, as all cells are: plain text must be escaped first.
        rows: Cells of each row.
        caption: Above the table.
        notes: Below it, a line each.
    """
    return [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{caption}}}",
        rf"\begin{{tabular}}{{{'l' * len(header)}}}",
        r"\toprule",
        _line(header),
        r"\midrule",
        *(_line(cells) for cells in rows),
        r"\bottomrule",
        r"\end{tabular}",
        *(rf"\par{{\footnotesize {note}}}" for note in notes),
        r"\end{table}",
    ]


def _line(cells: Sequence[str]) -> str:
    # A cell that begins with a bracket would be read as the argument of the \\ before it.
    return " & ".join(f"{{}}{cell}" if cell[:1] == "[" else cell for cell in cells) + r" \\"
