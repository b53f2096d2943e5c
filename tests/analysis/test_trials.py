"""What each trial tried and reached, as the report's section on tuning has it."""

from __future__ import annotations

from pathlib import Path

from fabricate import fabricate

from vbench.analysis.folder import read_results
from vbench.analysis.trials import trial_sections
from vbench.analysis.wording import number

TRUTH = {"real": 0.9, "scratch/n1": 0.8}


def test_every_trial_has_its_score_and_values_and_one_a_seed_is_chosen(tmp_path: Path) -> None:
    made = fabricate(tmp_path, failed=None, audit=False, truth=TRUTH, trials=3, seeds=(0, 1))
    results = read_results(made.folder)
    sections = {section.title: section for section in trial_sections(results)}
    assert list(sections) == ["real: what was tried", "scratch/n1: what was tried"]
    section = sections["real: what was tried"]
    assert section.header[:4] == ("seed and trial", "outcome", "validation DSC", "threshold")
    assert len(section.lines) == 6
    arm = next(arm for arm in results.arms if arm.name == "real")
    for seed in (0, 1):
        evaluated = results.evaluated(arm, seed)
        assert evaluated is not None
        own = [line for line in section.lines if line[0].text.startswith(f"{seed} · ")]
        chosen = [line for line in own if line[1].text == "chosen"]
        assert [line[0].text for line in chosen] == [f"{seed} · {evaluated.trial}"]
        for line, key in zip(own, arm.trials[seed], strict=True):
            trial = results.trial(key)
            assert trial is not None
            assert line[2].text == number(trial.result.score)
            axes = dict(zip(section.header[4:], (cell.text for cell in line[4:]), strict=True))
            assert set(axes) == set(trial.result.tuned)
            for axis, value in trial.result.tuned.items():
                shown = axes[axis]
                assert shown == (f"{value:.4g}" if isinstance(value, float) else str(value))


def test_trials_that_failed_or_did_not_run_are_there(tmp_path: Path) -> None:
    made = fabricate(tmp_path, failed=None, audit=False, truth=TRUTH, trials=3, seeds=(0,))
    keys = made.arm("real")["trials"]["0"]
    made.record(keys[0])["result"] |= {"pruned": True}
    made.records = [record for record in made.records if record["key"] != keys[2]]
    made.rewrite()
    section = next(trial_sections(read_results(made.folder)))
    assert [line[1].text for line in section.lines] == ["pruned", "chosen", "pending"]


def test_arms_with_one_trial_have_no_table(tmp_path: Path) -> None:
    made = fabricate(tmp_path, failed=None, audit=False, truth=TRUTH, trials=1)
    assert list(trial_sections(read_results(made.folder))) == []
