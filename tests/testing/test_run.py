from __future__ import annotations

import re
import time

import pytest
from fixtures.plugins.fine import Fine

from vbench.testing import Skip, run, suite_for
from vbench.testing.suite import Conformance


class Suite(Conformance):
    plugin = Fine

    def test_b_passes(self):
        """Is fine."""

    def test_a_fails(self):
        """Finds something.

        With more to say.
        """
        raise AssertionError("found")

    def test_skips(self):
        """Does not apply."""
        raise Skip("not here")

    def test_breaks(self, ndim):
        """Has an error."""
        raise KeyError("lost")

    def test_warns(self):
        """Warns."""
        import warnings

        warnings.warn("careful", stacklevel=1)


NAMES = ["b-passes", "a-fails", "skips", "breaks", "warns"]


def test_outcomes_come_in_the_order_of_the_suite():
    outcomes = list(run(Suite, only=NAMES))
    assert [(o.check, o.case, o.status, o.message) for o in outcomes] == [
        ("b-passes", "", "passed", ""),
        ("a-fails", "", "failed", "found"),
        ("skips", "", "skipped", "not here"),
        ("breaks", "2D", "failed", "KeyError: 'lost'"),
        ("breaks", "3D", "failed", "KeyError: 'lost'"),
        ("warns", "", "passed", ""),
    ]
    assert outcomes[1].about == "Finds something."
    assert "Traceback" in outcomes[3].traceback
    assert outcomes[1].traceback == ""


def test_an_error_without_a_text_says_its_line():
    class Silent(Suite):
        def test_asserts(self):
            """Asserts."""
            raise AssertionError

        def test_raises(self):
            """Raises."""
            raise ValueError

    asserts, raises = run(Silent, only=["asserts", "raises"])
    assert re.fullmatch(
        r"AssertionError in line \d+ of test_run.py: raise AssertionError", asserts.message
    )
    assert "Traceback" in asserts.traceback
    assert re.fullmatch(r"ValueError in line \d+ of test_run.py: raise ValueError", raises.message)


def test_an_unknown_check_brings_the_nearest():
    with pytest.raises(ValueError, match="no check is called 'skipz'; did you mean 'skips'"):
        list(run(Suite, only=["skipz"]))


def test_what_hangs_is_interrupted():
    class Hangs(Suite):
        def test_hangs(self):
            """Hangs."""
            time.sleep(60)

    (outcome,) = run(Hangs, only=["hangs"], seconds=0.1)
    assert (outcome.status, outcome.message) == ("failed", "still not finished after 0.1 s")
    assert outcome.seconds < 5


def test_every_kind_has_a_suite():
    from vbench import registry

    for entry in registry.load().entries():
        assert suite_for(entry.cls).plugin is entry.cls


def test_every_check_says_what_it_checks():
    from vbench.testing.run import SUITES

    for _, suite in SUITES:
        for name in dir(suite):
            if name.startswith("test_"):
                assert (getattr(suite, name).__doc__ or "").strip().endswith("."), name
