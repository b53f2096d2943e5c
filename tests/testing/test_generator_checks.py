"""Each check of the kit finds the fault that it is there for: one faulty plugin for each."""

from __future__ import annotations

import time

import pytest
from faulty_generators import (
    Backwards,
    BatchStatistics,
    Bright,
    Collapsed,
    CountsItsSamples,
    Double,
    FadesOut,
    Flat,
    ForgetsItsAverage,
    ForgetsWeights,
    InfiniteWeights,
    KeepsMoreThanASummary,
    LeaksNoGrad,
    LearnsAllTheSame,
    LendsWeights,
    Meddles,
    NeedsCubes,
    NeedsEvenEdges,
    NestedWeights,
    NeverArrives,
    OneSeed,
    PhonesHome,
    Raises,
    RefusesAll,
    RefusesWithoutAWord,
    ReportsNaN,
    SeedsTheWorld,
    SettlesOnNothing,
    SharesAll,
    SharesMoreThanItHas,
    SharesWithoutState,
    Silent,
    Slow,
    SoftLabels,
    StartsAgain,
    StaysOnTheCpu,
    TakesAnything,
    ThawedParams,
    TinyIsInvalid,
    TunedOnLogFromZero,
    TunedTooFar,
    Undescribed,
    UndescribedParams,
    Unseeded,
)
from fixtures.plugins.fine import Fine

import vbench
from vbench.testing import GeneratorSuite, run, suite_for


class TestFine(GeneratorSuite):
    """The suite as a third party uses it."""

    plugin = Fine


@pytest.mark.parametrize(
    ("cls", "check", "message"),
    [
        (Undescribed, "describes-itself", "Undescribed has no docstring"),
        (UndescribedParams, "parameters-are-described", "parameter steps has no help"),
        (ThawedParams, "parameters-are-described", "not frozen"),
        (TunedTooFar, "tuned-values-are-allowed", "steps is tuned over 0"),
        (TunedOnLogFromZero, "tuned-values-are-allowed", "log scale from 0"),
        (TakesAnything, "unknown-parameter-is-refused", "no_such_parameter = 1 was accepted"),
        (TinyIsInvalid, "tiny-parameters-are-valid", "greater than or equal to 1"),
        (Silent, "fits", "fit yielded nothing"),
        (NeverArrives, "fits", "the last step is 1 of"),
        (Backwards, "fits", "steps must rise from 1 on; they are [2, 2]"),
        (ReportsNaN, "fits", "step 1 reports loss = nan"),
        (Raises, "fits", "RuntimeError: no luck today"),
        (Meddles, "leaves-patches-alone", "the patches changed"),
        (SeedsTheWorld, "leaves-global-state-alone", "changes numpy.random;"),
        (LeaksNoGrad, "leaves-global-state-alone", "changes torch.set_grad_enabled;"),
        (PhonesHome, "needs-no-network", "192.0.2.1"),
        (Unseeded, "repeats", "two fits with one seed give other weights: mean: values differ"),
        (CountsItsSamples, "can-be-watched", "changes the fit: mean"),
        (NeedsCubes, "unequal-sizes", "but then: IndexError: boom"),
        (NeedsEvenEdges, "odd-sizes", "check() accepts patches of (7, 5"),
        (RefusesWithoutAWord, "odd-sizes", "without a word"),
        (RefusesAll, "fits", "patches of 1000 voxels only"),
        (NestedWeights, "weights-are-a-flat-table", "net is dict"),
        (InfiniteWeights, "weights-are-a-flat-table", "mean is not finite"),
        (ForgetsWeights, "weights-survive-a-file", "the output is another"),
        (LendsWeights, "weights-are-safe-to-keep", "weights() of step 1 changed"),
        (SettlesOnNothing, "settled-parameters-are-its-own", "['precision'], which are no"),
        (StartsAgain, "resumes", "it reports step 1 first"),
        (ForgetsItsAverage, "resumes", "resumed at step 1, the weights are others: mean"),
        (StaysOnTheCpu, "computes-where-it-is-told", "it computes on cpu only"),
        (SharesMoreThanItHas, "longer-trainings-begin-alike", "says 9 of 8 steps"),
        (SharesWithoutState, "longer-trainings-begin-alike", "and state() is None"),
        (FadesOut, "longer-trainings-begin-alike", "says 8 of 8 steps, after which"),
        (Flat, "samples-are-labelled-patches", "sample(1) returned shape (1, 16, 16"),
        (Double, "samples-are-labelled-patches", "samples are float64"),
        (Bright, "samples-are-labelled-patches", "expected [-1, 1]"),
        (SoftLabels, "samples-are-labelled-patches", "expected 0 and 1 only"),
        (OneSeed, "samples-follow-the-seed", "seeds 1 and 2 give the same"),
        (BatchStatistics, "samples-have-no-companions", "the first 3 of 67 differ"),
        (Collapsed, "samples-differ", "the same patch"),
        (LearnsAllTheSame, "learns-no-more-than-it-says", "but fitted on other patches: "),
        (KeepsMoreThanASummary, "learns-no-more-than-it-says", "numbers; at most 64 are a summary"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_fault_is_found(cls, check, message):
    outcomes = list(run(suite_for(cls), only=[check]))
    assert outcomes
    for outcome in outcomes:
        assert outcome.status == "failed"
        assert message in outcome.message


def test_a_training_that_shares_its_steps_is_sound():
    outcomes = run(suite_for(SharesAll), only=["longer-trainings-begin-alike"])
    assert {outcome.status for outcome in outcomes} == {"passed"}


def test_too_slow_is_found():
    suite = suite_for(Slow)
    suite.seconds = 0.02
    assert {o.status for o in run(suite, only=["tiny-is-quick"])} == {"failed"}


def test_far_too_slow_is_stopped():
    class Endless(Fine):
        """Yields for ever."""

        def fit(self, patches, *, seed):
            step = 0
            while True:
                step += 1
                time.sleep(0.01)
                yield vbench.Progress(step, 10**9)

    suite = suite_for(Endless)
    suite.seconds = 0.005
    for outcome in run(suite, only=["fits"]):
        assert "make `tiny` smaller" in outcome.message


def test_one_fault_is_said_once():
    statuses = {}
    for outcome in run(suite_for(Raises)):
        statuses.setdefault(outcome.status, set()).add((outcome.check, outcome.message))
    assert {check for check, _ in statuses["failed"]} == {"fits", "odd-sizes", "unequal-sizes"}
    assert ("samples-differ", "fit failed, see test_fits") in statuses["skipped"]


def test_a_declared_dimension_only():
    class Flatland(Fine):
        """Two dimensions are enough."""

        ndims = (2,)

    assert {o.case for o in run(suite_for(Flatland), only=["fits"])} == {"2D"}


def test_a_size_that_check_refuses_is_not_used():
    class Coarse(Fine):
        """Needs 32."""

        @classmethod
        def check(cls, params, setup):
            if setup.size[0] % 32:
                raise ValueError("edges must be multiples of 32")

    suite = suite_for(Coarse)
    assert suite().size(2) == (32, 32)
    assert {o.status for o in run(suite, only=["fits", "odd-sizes"])} == {"passed"}
