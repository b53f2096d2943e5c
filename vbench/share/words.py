"""The sentences of a datasheet: each says what was measured, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vbench.analysis.wording import number
from vbench.audit.attacks import ATTACKS
from vbench.share.sheet import AuditScore, Criterion, Utility, Worst
from vbench.usertext import counted

#: Where the seven criteria are from.
SCORECARD = "Zamzmi et al. 2025, Commun. Eng. 4:130, doi:10.1038/s44172-025-00450-1"
_COVERAGE = ("prdc-coverage", "prdc-recall")


def people(n: int, real: bool) -> str:
    """Return ``6 patients`` or ``1 phantom``."""
    return counted(n, "patient" if real else "phantom")


def learnt(learns: str, n: int, real: bool) -> str:
    """Say from whom a generator learnt, after ``Learnt from:``."""
    who = people(n, real)
    made_up = "" if real else " Phantoms are made by a procedure and are nobody's data."
    if learns == "nothing":
        return "nobody: the generator ignores the patches that it is given."
    if learns == "elsewhere":
        return (
            "unknown: the patches were made elsewhere, and only their maker can say from whom. "
            f"They are compared with those of {who}."
        )
    if learns == "summary":
        return (
            "no single patch: the generator keeps a few numbers, such as a mean, over the patches "
            f"of {who}.{made_up}"
        )
    return f"patches of {who}.{made_up}"


def label_words(labels: Mapping[str, int] | None) -> str:
    """Say which values a label has: ``0 or 1``, or those of several classes with their names."""
    if labels is None:
        return "0 or 1"
    return ", ".join(f"{value} {name}" for name, value in labels.items())


def score_words(family: str, about: str, entry: Mapping[str, Any], real: bool) -> str:
    """Say what a fidelity or privacy score found."""
    about = about.rstrip(".") + "."
    if entry.get("value") is None:
        return f"{about} It could not be computed for this set."
    text = f"{about} This set scores {value_words(entry['value'], entry.get('ci95'))}"
    others = "unseen patients" if real else "unseen phantoms"
    best = {"privacy": f"patches of {others}", "fidelity": "other real patches"}[family]
    worst = {"privacy": "copies of the training patches", "fidelity": "noise"}[family]
    beside = [
        f"{what} score {number(entry[name])}"
        for name, what in (("floor", best), ("ceiling", worst))
        if entry.get(name) is not None
    ]
    text += f"; {', '.join(beside)}." if beside else "."
    if not entry.get("defined", True):
        text += " The value is one that a rule gave, since there is none."
    if family == "privacy" and "alarm" in entry:
        text += " It raises an ALARM." if entry["alarm"] else " It raises no alarm."
    return text


def value_words(value: float, interval: Sequence[float] | None) -> str:
    """Return a value with its interval, in words."""
    if interval is None:
        return number(value)
    low, high = interval
    return f"{number(value)} (95 % interval {number(low)} to {number(high)})"


def conclusion(
    *,
    word: str,
    alarms: Sequence[str],
    failed: Sequence[str],
    flagged: int,
    removed: int,
    worst: Worst | None,
    subjects: int,
    real: bool,
    accepted: str | None,
) -> tuple[str, ...]:
    """Say what the privacy scores say together, and what was decided."""
    said = {
        "alarm": f"ALARM, raised by {', '.join(alarms)}.",
        "no alarm": "No score raised an alarm.",
        "not judged": "NOT JUDGED: no privacy score could be computed.",
    }
    lines = [said[word]]
    if failed and word != "not judged":
        lines.append(f"Not computed, and so not part of this: {', '.join(failed)}.")
    if removed:
        lines.append(
            f"{_patches(removed)} that the audit flagged as coming from one training patch "
            f"{'was' if removed == 1 else 'were'} removed. All scores are of what is left."
        )
    if flagged:
        lines.append(
            f"{_patches(flagged)} in this set {'is' if flagged == 1 else 'are'} flagged as coming "
            "from one training patch."
        )
    who = "patient" if real else "phantom"
    if worst is not None:
        lines.append(
            f"Worst {who}: of number {worst.number} among {people(subjects, real)}, most was "
            f"found: {value_words(worst.value, worst.ci95)} by {worst.metric}, where 0 is nothing "
            f"and 1 all. The numbers were drawn at random."
        )
    else:
        lines.append(f"Worst {who}: not measured; no score tells single {who}s apart.")
    if accepted is not None:
        lines.append(f"It was released in spite of this. Reason given: {accepted}")
    return tuple(lines)


def limits(
    *,
    scores: Sequence[AuditScore],
    patches: int,
    guarantee: Mapping[str, Any] | None,
    subjects: int,
    heldout: int,
    removed: int,
    learns: str,
    real: bool,
    untaken: Sequence[str] = (),
) -> tuple[str, ...]:
    """Say what was tested, and what was not."""
    named = [score.name for score in scores if score.family == "privacy"]
    privacy, attacks = (
        [name for name in named if (name in ATTACKS) == attack] for attack in (False, True)
    )
    inside = "" if "white-box-mia" in attacks else "attackers who hold the generator itself, "
    lines = [
        f"Tested: {', '.join(privacy) or 'nothing'}, on all {patches} patches, against "
        f"{people(subjects, real)} of training and {heldout} unseen.",
        "An audit finds the leaks that it looks for. Scores like those of unseen "
        f"{'patients' if real else 'phantoms'} are no proof of anonymity.",
        f"Not tested: {inside}other data sets that were made from the same people, or other "
        "knowledge about them.",
        "Not tested: whether somebody could be recognised by a rare finding.",
        "No score here is a formal guarantee, such as differential privacy."
        if guarantee is None
        else f"The generator's training has differential privacy: epsilon "
        f"{number(guarantee['epsilon'])} and delta {guarantee['delta']:.1g} for each "
        f"{guarantee['unit']} ({guarantee['accountant']}). It holds as long as the seed of the "
        "training stays secret; choosing this arm by its scores is not part of it.",
    ]
    if untaken:
        lines.insert(
            2,
            f"Not tested: by {', '.join(untaken)}, which take one class and one channel only.",
        )
    if attacks:
        lines.insert(1, f"Attacked: the generator that made them, by {', '.join(attacks)}.")
    if heldout < 5 or subjects < 5:
        lines.append(
            "With fewer than five people on a side, intervals are wide or missing, and an alarm "
            "needs a large effect."
        )
    if removed:
        lines.append(
            "Patches were removed by the same scores that are shown, which makes these look "
            "better than a fresh audit would. The segmenter was trained before they were removed."
        )
    if learns == "patches" and not real:
        lines.append("The training data are phantoms, so no patient can be affected.")
    return tuple(lines)


def criteria(
    *,
    scores: Sequence[AuditScore],
    utility: Sequence[Utility],
    word: str,
    spacing: Sequence[float],
    vessel_fraction: float,
    repetitions: int,
    licence: str | None,
    generator: str,
    paper: str,
    labels: str = "0 or 1",
) -> tuple[Criterion, ...]:
    """Answer the seven criteria of the scorecard for synthetic medical data."""
    fidelity = [s for s in scores if s.family == "fidelity" and s.value is not None]
    spread = [s for s in fidelity if s.name in _COVERAGE]
    near = [s for s in fidelity if s not in spread and s.name != "morphology"]
    shape = [s for s in fidelity if s.name == "morphology"]
    with_sd = [u for u in utility if u.ci95 is not None]

    def values(found: Sequence[AuditScore]) -> str:
        return ", ".join(f"{s.name} {number(s.value)}" for s in found)

    vessels = f"vessel in {vessel_fraction:.2%} of the voxels"
    source = f" ({paper})" if paper else ""
    usable = f" in voxels of {' × '.join(f'{s:g}' for s in spacing)} mm" if spacing else ""
    repeated = (
        f"{repetitions} repetitions of generator and segmenter; "
        + ", ".join(f"{u.metric} {value_words(u.mean or 0, u.ci95)}" for u in with_sd[:2])
        if repetitions > 1 and with_sd
        else "Not measured: one repetition"
    )
    return tuple(
        Criterion(name=name, asks=asks, answer=f"{answer.rstrip('.')}.")
        for name, asks, answer in (
            (
                "Congruence",
                "How near is it to patients' data?",
                values(near) or "Not measured",
            ),
            (
                "Coverage",
                "Does it show their whole range, and more?",
                values(spread) or "Not measured",
            ),
            (
                "Constraint",
                "Does it keep to what is possible in anatomy and physics?",
                f"Checked: images within [-1, 1], labels {labels}, "
                + vessels
                + (f"; {values(shape)}" if shape else "; the vessels' shape was not measured")
                + ". Plausibility to a radiologist was not measured",
            ),
            (
                "Completeness",
                "Does it hold all that its task needs?",
                f"Every patch has an image and a vessel label{usable}, and no value is missing. "
                "There are no other annotations, such as age, sex, diagnosis or scanner",
            ),
            (
                "Compliance",
                "Does it keep to privacy, law and standards?",
                f"Privacy audit: {word}. Licence: {licence or 'none given'}. Consent and legal "
                "basis were not examined",
            ),
            (
                "Comprehension",
                "Is it clear how it was made, and what it cannot do?",
                f"Made by {generator}{source}; parameters and limits are in this datasheet",
            ),
            (
                "Consistency",
                "Is it as good at each time and for each group?",
                f"{repeated}. Groups of patients, such as by sex or age, were not compared",
            ),
        )
    )


def _patches(n: int) -> str:
    return "1 patch" if n == 1 else f"{n} patches"
