"""A datasheet as pages: the same sections in Markdown and in HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from vbench.analysis.wording import number
from vbench.colours import style
from vbench.figures.figure import Figure
from vbench.markdown import escape, table
from vbench.report.html import environment, resource
from vbench.share.sheet import Datasheet
from vbench.share.words import SCORECARD, label_words, value_words

Row = Sequence[str]


@dataclass(frozen=True)
class Section:
    """A part of a page: sentences, then facts, then a table, then figures, each may be empty.

    Attributes:
        title: Its heading.
        lines: A paragraph each; bullets when ``bullets``.
        facts: What and its value.
        header, rows: A table.
        figures: Shown in HTML only.
    """

    title: str
    lines: Sequence[str] = ()
    bullets: bool = False
    facts: Sequence[tuple[str, str]] = ()
    header: Row = ()
    rows: Sequence[Row] = ()
    figures: Sequence[Figure] = ()


@dataclass(frozen=True)
class Page:
    """A page: title, what matters first, sections."""

    title: str
    lead: str
    alarm: bool
    sections: Sequence[Section] = field(default_factory=tuple)


def page(sheet: Datasheet, figures: Sequence[Figure] = ()) -> Page:
    """Lay a datasheet out.

    Args:
        sheet: The datasheet.
        figures: Of synthetic patches.
    """
    size = " × ".join(map(str, sheet.size))
    spacing = " × ".join(f"{edge:g}" for edge in sheet.spacing)
    params = ", ".join(f"{name} {value}" for name, value in sheet.params.items())
    repeated = (
        ""
        if sheet.repetitions == 1
        else (
            f", and on average over {sheet.repetitions} repetitions of generator and segmenter, of "
            "which these patches are one"
        )
    )
    families = {
        family: [score for score in sheet.scores if score.family == family]
        for family in ("privacy", "fidelity")
    }
    says = {family: [f"{s.name}: {s.says}" for s in scores] for family, scores in families.items()}
    rows = {
        family: [
            [s.name, *map(number, (s.value, s.floor, s.ceiling)), "ALARM" if s.alarm else ""]
            for s in scores
        ]
        for family, scores in families.items()
    }
    columns = ("score", "this set", "as good as can be", "as bad as can be", "")
    sections = [
        Section("Privacy: verdict", sheet.concludes[1:]),
        Section(
            "What it is",
            facts=(
                ("Content", f"{sheet.patches} patches of {size} voxels, each an image and a label"),
                ("Voxel", f"{spacing} mm" if spacing else "unknown"),
                (
                    "Values",
                    f"images float16 in [-1, 1], labels {_values(sheet)}; vessel in "
                    f"{sheet.vessel_fraction:.2%} of the voxels, no vessel in "
                    f"{sheet.empty_share:.1%} of the patches",
                ),
                *([("Classes", _classes(sheet))] if sheet.class_fractions else []),
                *(
                    [("Channels", ", ".join(sheet.channel_names.values()))]
                    if sheet.channel_names
                    else []
                ),
                ("Learnt from", sheet.learnt),
                ("Made by", f"{sheet.generator} ({sheet.plugin}): {sheet.generator_about}"),
                *([("Method", sheet.paper)] if sheet.paper else []),
                *([("Parameters", params)] if params else []),
                ("Benchmark", f"{sheet.benchmark}, {sheet.arm}, vbench {sheet.vbench}"),
                ("Licence", sheet.licence or "none was given; ask whoever sent you this"),
                ("Export", sheet.id),
            ),
            figures=figures,
        ),
        Section(
            "What it is not for",
            ("Diagnosis. Training without a test on real patients of your own.",),
        ),
        Section(
            "What it gives away",
            says["privacy"],
            bullets=True,
            header=columns,
            rows=rows["privacy"],
        ),
        Section(
            "What was tested, and what was not",
            sheet.limits,
            bullets=True,
        ),
        Section(
            "What it is worth",
            (
                "Scores on real test subjects of a segmenter that was trained on synthetic patches "
                f"only: on these{repeated}. Beside it, one that was trained on the real patches.",
            ),
            header=("score", "these patches", "all repetitions", "real patches", "test subjects"),
            rows=[
                [
                    f"{u.metric}{f' ({u.unit})' if u.unit else ''}",
                    number(u.this),
                    "–" if u.mean is None else value_words(u.mean, u.ci95),
                    number(u.real),
                    str(u.subjects),
                ]
                for u in sheet.utility
            ],
        ),
        Section(
            "How real it looks",
            says["fidelity"],
            bullets=True,
            header=columns,
            rows=rows["fidelity"],
        ),
        Section(
            "Seven criteria for synthetic medical data",
            (f"The criteria are those of the scorecard of {SCORECARD}.",),
            header=("criterion", "it asks", "answer"),
            rows=[(c.name, c.asks, c.answer) for c in sheet.criteria],
        ),
        Section(
            "Files",
            ("In the folder, sha256sum --check SHA256SUMS finds a file that was changed.",),
            header=("file", "what it is"),
            rows=list(sheet.files.items()),
        ),
    ]
    return Page(
        title=f"{sheet.patches} synthetic labelled vessel patches",
        lead=sheet.concludes[0],
        alarm=sheet.verdict != "no alarm",
        sections=[each for each in sections if each.lines or each.facts or each.rows],
    )


def _values(sheet: Datasheet) -> str:
    return "0 or 1 (vessel)" if sheet.labels is None else label_words(sheet.labels)


def _classes(sheet: Datasheet) -> str:
    """Say how much of the voxels each class has."""
    found = sheet.class_fractions or {}
    return ", ".join(f"{name} {share:.2%} of the voxels" for name, share in found.items())


def markdown(shown: Page) -> str:
    """Return a page as Markdown, without its figures."""
    lines = [f"# {escape(shown.title)}", "", f"**{escape(shown.lead)}**", ""]
    for section in shown.sections:
        lines += [f"## {escape(section.title)}", ""]
        for line in section.lines:
            lines += [f"- {escape(line)}"] if section.bullets else [escape(line), ""]
        lines += [f"- **{escape(name)}**: {escape(value)}" for name, value in section.facts]
        if lines[-1]:
            lines.append("")
        if section.rows:
            cells = [[escape(cell) for cell in row] for row in section.rows]
            lines += [*table(section.header, cells), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def html(shown: Page) -> str:
    """Return a page as one HTML file that needs no network and no script."""
    return environment().get_template("sheet.html").render(
        page=shown, style=Markup(style() + resource("report.css"))
    )  # fmt: skip
