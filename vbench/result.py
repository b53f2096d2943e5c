"""What a benchmark found, for Python and notebooks: tables, samples and figures.

Everything is read from the benchmark's folder and the store beside it, so a folder that was copied
from a cluster shows the same as the run that made it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from vbench.errors import StoreError, did_you_mean
from vbench.files import read_json, read_npy
from vbench.layout import join_patches
from vbench.notebook import table
from vbench.types import JobFailure
from vbench.usertext import shell_word

if TYPE_CHECKING:
    import pandas as pd

    from vbench.analysis.folder import Results
    from vbench.arms import ArmResult
    from vbench.figures.figure import Figure

_ARM = ("regime", "generator", "n_subjects", "cohort", "status", "seeds", "cases", "seconds")
_CASES = {"seed": "int64", "n_subjects": "Int64", "value": "float64", "class": "string"}


@dataclass(frozen=True, repr=False)
class RunResult:
    """A benchmark's results.

    Attributes:
        folder: The benchmark's folder, ``<out>/<benchmark>``.
        board: The content of ``leaderboard.json``: all statistics, as plain values.
        ran: How many jobs were done by this call; 0 when all was cached.
        failures: Stage and label, and the failure, of each job that failed in this call.
    """

    folder: Path
    board: dict[str, Any]
    ran: int = 0
    failures: Mapping[str, JobFailure] = field(default_factory=dict)
    _read: Results | None = field(default=None, compare=False)

    @cached_property
    def _results(self) -> Results:
        from vbench.analysis.folder import read_results

        return self._read or read_results(self.folder)

    @property
    def ok(self) -> bool:
        """Whether every arm finished, with all of its scores."""
        rows = self.board["rows"]
        lost = any(score["n_failed"] for row in rows for score in row["metrics"].values())
        return not self.failures and not lost and all(row["status"] == "ok" for row in rows)

    @cached_property
    def leaderboard(self) -> pd.DataFrame:
        """The arms, best first, one row each, indexed by arm.

        For each segmentation metric such as ``dsc``: ``dsc`` the mean, ``dsc_sd`` between
        subjects, ``dsc_low`` and ``dsc_high`` its 95 % interval, ``dsc_n`` and ``dsc_undefined``
        the number of cases and of those whose value a rule gave, ``dsc_ratio_to_real``.
        For fidelity and privacy the value under the metric's name. ``verdict``: what the privacy
        scores say together. ``worst_patient``, ``worst_patient_risk`` with ``_low`` and ``_high``:
        the training patient of whom most was found, by name. Missing values are NaN.
        """
        import pandas as pd

        lines = [
            {"arm": row["arm"], **{name: row[name] for name in _ARM}, **_scores(row)}
            for row in self.board["rows"]
        ]
        frame = pd.DataFrame(lines, columns=None if lines else ["arm", *_ARM]).set_index("arm")
        return frame.astype({"n_subjects": "Int64"})

    @cached_property
    def cases(self) -> pd.DataFrame:
        """Every score of every test subject: the content of ``cases.csv``.

        Columns ``arm``, ``regime``, ``generator``, ``n_subjects``, ``seed``, ``subject``,
        ``metric``, ``value`` (NaN when it failed) and ``status`` (``ok``, ``undefined`` or
        ``failed``); where labels have several classes also ``class``, missing for the score over
        all classes of a subject.
        """
        import pandas as pd

        return pd.read_csv(self.folder / "cases.csv", dtype=_CASES)

    def samples(
        self, arm: str, n: int | None = None, *, seed: int | None = None
    ) -> npt.NDArray[np.float32]:
        """Return synthetic patches that an arm's segmenter was trained on.

        Args:
            arm: An arm that has a generator, such as ``synthetic/wgan-gp-sn``.
            n: How many; None: the first 16, or all where there are fewer.
            seed: Which repetition; None: the first that finished.

        Returns:
            float32 ``(n, channels, *size)``: image in [-1, 1], label 0 or 1.

        Raises:
            StoreError: When there is no such arm, it has no generator or has not finished, the
                store beside the folder lacks the patches, or there are not as many.
            ValueError: When ``n`` is no whole number, or below 0.
        """
        from vbench.engine.store import Store

        if n is not None and not (isinstance(n, Integral) and n >= 0):
            raise ValueError(f"n = {n!r}: expected how many patches, a whole number from 0")

        store = Store(self.folder.parent / "store")
        key = _synthetic(self._results, self.folder, arm, seed)
        place = store.artifacts(key, "images.npy", "labels.npy")
        try:
            parts = [read_npy(place / f"{name}.npy") for name in ("images", "labels")]
        except (OSError, ValueError) as error:
            raise StoreError(f"{place}: its patches cannot be read ({error}); run again") from error
        there = len(parts[0])
        if n is not None and n > there:
            raise StoreError(
                f"{arm}: {there} patches are there, as many as its segmenter was trained on, and "
                f"{n} are asked for; `vbench sample {arm} {n} --to DIR --benchmark "
                f"{self.folder.name} --out {shell_word(self.folder.parent)}` makes more"
            )
        return join_patches(*(part[: 16 if n is None else n] for part in parts))

    @cached_property
    def plan(self) -> dict[str, Any]:
        """The content of ``plan.json``: the spec as resolved, data, provenance, arms and jobs."""
        plan: dict[str, Any] = read_json(self.folder / "plan.json")
        return plan

    @property
    def headline(self) -> list[str]:
        """The metrics that tables show first."""
        from vbench.analysis.wording import headline

        return headline(self.board)

    @cached_property
    def arms(self) -> tuple[ArmResult, ...]:
        """The arms with their curves, trials, weights and figures, in the plan's order."""
        from vbench.arms import arms_of

        return arms_of(self._results, self.board, self.folder.parent / "store")

    @cached_property
    def figures(self) -> Figures:
        """The report's figures by section, such as ``figures["samples"][0]``."""
        from vbench.figures.sections import sections

        store = self.folder.parent / "store"
        return Figures(sections(self._results, self.board, store))

    @property
    def report(self) -> Path:
        """The report as one HTML file; written when it is missing."""
        from vbench.report import write_report

        path = self.folder / "report.html"
        return path if path.is_file() else write_report(self.folder)

    def __repr__(self) -> str:
        state = "ok" if self.ok else "not all arms are finished"
        return f"RunResult({str(self.folder)!r}, {len(self.board['rows'])} arms, {state})"

    def _repr_html_(self) -> str:
        """Show the leaderboard, as in a terminal, and what failed."""
        from vbench.analysis.layout import sections
        from vbench.analysis.wording import legend

        parts = [Markup("<div><b>{}</b>").format(self.board["benchmark"])]
        for section in sections(self.board):
            parts.append(Markup("<div>{}</div>").format(section.title))
            cells = [[(c.text, c.best) for c in line] for line in section.lines]
            parts.append(table(section.header, cells))
        notes = [
            *legend(self.board),
            *(f"{job}: {failure.message}" for job, failure in self.failures.items()),
        ]
        parts += [Markup("<div><small>{}</small></div>").format(note) for note in notes]
        return str(Markup("").join([*parts, Markup("</div>")]))


class Figures(dict[str, "list[Figure]"]):
    """Figures by section; a notebook shows them all."""

    def _repr_html_(self) -> str:
        shown = [
            Markup("<h4>{}</h4>").format(section)
            + Markup("").join(Markup(figure._repr_html_()) for figure in figures)
            for section, figures in self.items()
            if figures
        ]
        return str(Markup("").join(shown))

    def __repr__(self) -> str:
        return f"Figures({', '.join(f'{name}: {len(found)}' for name, found in self.items())})"


def read_result(folder: str | Path) -> RunResult:
    """Read the results of a benchmark that was run before, here or elsewhere.

    Args:
        folder: ``<out>/<benchmark>``; figures and samples need the store beside it.

    Raises:
        StoreError: When it is no benchmark's folder.
    """
    from vbench.analysis.folder import read_results
    from vbench.analysis.leaderboard import leaderboard

    folder = Path(folder)
    results = read_results(folder)
    return RunResult(folder, leaderboard(results), _read=results)


def _scores(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row's scores under the names of the frame's columns."""
    found: dict[str, Any] = {}
    for name, entry in row["metrics"].items():
        low, high = entry["ci95"] or (None, None)
        found |= {
            name: entry["mean"],
            f"{name}_sd": entry["sd"],
            f"{name}_low": low,
            f"{name}_high": high,
            f"{name}_n": entry["n"],
            f"{name}_undefined": entry["n_undefined"],
        }
        against = row["versus"].get("real", {}).get(name)
        if against is not None:
            found[f"{name}_ratio_to_real"] = against["ratio"]
    for family in ("fidelity", "privacy"):
        found |= {name: entry.get("value") for name, entry in row[family].items()}
    worst = row.get("worst_patient") or {}
    low, high = worst.get("ci95") or (None, None)
    return found | {
        "verdict": row.get("verdict"),
        "worst_patient": worst.get("patient"),
        "worst_patient_risk": worst.get("value"),
        "worst_patient_risk_low": low,
        "worst_patient_risk_high": high,
    }


def _synthetic(results: Results, folder: Path, arm: str, seed: int | None) -> str:
    """Return the key of the ``synthesise`` job whose patches an arm trained on.

    Arms of one generator share the candidate that one of them selected, the synthetic arm if any;
    of several segmenters, that of the arm's own.
    """
    arms = {found.name: found for found in results.arms}
    if arm not in arms:
        raise StoreError(f"{folder}: no arm is called '{arm}'{did_you_mean(arm, list(arms))}")
    generator = arms[arm].generator
    if generator is None:
        having = ", ".join(name for name, found in arms.items() if found.generator)
        raise StoreError(f"{arm}: has no generator; arms that have: {having or 'none'}")
    kin = [found for found in results.arms if found.generator == generator and found.name != arm]
    kin.sort(key=lambda found: found.segmenter != arms[arm].segmenter)
    for found in (arms[arm], *kin):
        for chosen in results.all_chosen(found):
            if chosen.samples is not None and seed in (None, chosen.seed):
                return chosen.samples.key
    which = "it" if seed is None else f"seed {seed}"
    raise StoreError(f"{arm}: {which} has not finished; run the benchmark first")
