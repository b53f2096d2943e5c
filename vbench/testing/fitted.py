"""What generators and segmenters share: they fit, repeat, resume, and leave the rest alone."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from vbench.errors import MissingExtraError
from vbench.testing import tables
from vbench.testing.devices import devices_of
from vbench.testing.fitting import SEED, Fitting
from vbench.testing.guards import other_random_state
from vbench.testing.suite import Skip, described, expect
from vbench.testing.toys import ToyPatches, names
from vbench.types import Progress, Setup, Weights


class FittedSuite(Fitting):
    """Checks of a method that is fitted on labelled patches."""

    # The fit itself

    def test_fits(self, ndim: int) -> None:
        """Fits with its tiny parameters and reports its steps."""
        try:
            reports = self.fitted(ndim).progress
        except Skip as skip:
            cause = skip.__cause__
            if cause is None or isinstance(cause, MissingExtraError):
                raise
            if isinstance(cause, SystemExit):
                raise cause from None
            raise AssertionError(described(cause)) from cause
        expect(reports, "fit yielded nothing; yield a Progress at least once")
        for report in reports:
            expect(isinstance(report, Progress), f"fit yielded {report!r}, not a Progress")
            for name, value in report.metrics.items():
                expect(
                    isinstance(name, str) and math.isfinite(value),
                    f"step {report.step} reports {name} = {value!r}",
                )
        steps, totals = [r.step for r in reports], {r.total for r in reports}
        expect(len(totals) == 1, f"total changes on the way: {sorted(totals)}")
        expect(steps[-1] == reports[-1].total, f"the last step is {steps[-1]} of {totals}")
        expect(
            steps[0] >= 1 and all(a < b for a, b in pairwise(steps)),
            f"steps must rise from 1 on; they are {steps[:8]}",
        )

    def test_tiny_is_quick(self, ndim: int) -> None:
        """Fits with its tiny parameters within seconds."""
        spent = self.fitted(ndim).seconds
        expect(spent <= self.seconds, f"took {spent:.1f} s; at most {self.seconds:g} s are meant")

    def test_leaves_patches_alone(self, ndim: int) -> None:
        """Changes nothing of the patches that it is fitted on."""
        expect(not self.fitted(ndim).patches_changed, "the patches changed while fit ran")

    def test_leaves_global_state_alone(self, ndim: int) -> None:
        """Touches no global random state and no global setting, between two steps either."""
        touched = self.fitted(ndim).touched
        expect(
            not touched,
            f"changes {', '.join(sorted(touched))}; draw from Generator objects of your own, and "
            "hold settings (torch.no_grad, fork_rng) across no yield",
        )

    def test_needs_no_network(self, ndim: int) -> None:
        """Reaches for no network."""
        attempts = self.fitted(ndim).network
        expect(not attempts, f"tried to {'; '.join(attempts[:3])}")

    def test_files_are_declared(self) -> None:
        """Declares the files that its paths lead to, by names without the place."""
        settings = self.settings()
        places = {n: v for n, v in settings.model_dump().items() if isinstance(v, PurePath)}
        files = self.plugin.files(settings)
        if not places and not files:
            raise Skip("reads no file: no parameter is a Path, and files() names none")
        expect(
            files,
            f"{', '.join(places)} is a path, and files() names no file: with other content under "
            "the same path, an old result would be taken for the new one",
        )
        for name, path in files.items():
            expect(Path(path).is_file(), f"files() names {path}, which is no file")
            expect(
                not any(str(place) in name for place in places.values()),
                f"files() calls a file {name}: its name must not hold the place",
            )

    # The same again

    def test_repeats(self, ndim: int) -> None:
        """Gives the same result for the same seed, whatever the global random state."""
        first = self.fitted(ndim).method
        with other_random_state(99):
            second = self.build(ndim)
            self.fit(second, ndim)
        fault = tables.difference(first.weights(), second.weights(), exact=True)
        expect(not fault, f"two fits with one seed give other weights: {fault}")
        fault = tables.array_difference(self.output(first), self.output(second), exact=True)
        expect(not fault, f"two fits with one seed give another output: {fault}")

    def test_can_be_watched(self, ndim: int) -> None:
        """Fits the same when vbench saves, samples or validates between two steps."""
        first = self.fitted(ndim)
        second = self.build(ndim)
        halfway = len(first.progress) // 2

        def watch(reports: int) -> None:
            second.weights()
            second.state()
            if reports in (1, halfway):
                self.output(second)

        self.fit(second, ndim, between=watch)
        fault = tables.difference(first.method.weights(), second.weights())
        expect(not fault, f"weights(), state() or the output changes the fit: {fault}")

    def test_unequal_sizes(self, ndim: int) -> None:
        """Works for edges that differ, or says beforehand that it cannot."""
        edges = list(self.size(ndim))
        edges[-1] *= 2
        self._works_or_refuses(tuple(edges))

    def test_odd_sizes(self, ndim: int) -> None:
        """Works for an odd, small size, or says beforehand that it cannot."""
        self._works_or_refuses((7, 5, 5)[:ndim])

    def _works_or_refuses(self, size: tuple[int, ...]) -> None:
        setup = Setup(size)
        try:
            self.plugin.check(self.settings(), setup)
        except ValueError as error:
            expect(str(error).strip(), f"check() refuses {size} without a word; say which it takes")
            return
        try:
            method = self.plugin(self.settings(), setup)
            next(iter(method.fit(ToyPatches(size), seed=SEED)))
        except Exception as error:
            raise AssertionError(
                f"check() accepts patches of {size}, but then: {described(error)}"
            ) from error

    def test_takes_several_classes_and_channels(self, ndim: int) -> None:
        """Fits and answers with three classes, and with two channels, where it says that it can."""
        if not self.several():
            raise Skip("says that it takes one class and one channel")
        size = self.size(ndim)
        for classes, channels in self.several():
            what = f"with classes = {classes} and channels = {channels}"
            labels, seen = names(classes, channels)
            setup = Setup(size, spacing=(0.5, 0.5, 0.7), labels=labels, channels=seen)
            try:
                self.plugin.check(self.settings(), setup)
            except ValueError as error:
                raise AssertionError(f"{what}, check() refuses: {error}") from error
            method = self.plugin(self.settings(), setup)
            patches = ToyPatches(size, classes=classes, channels=channels)
            before = patches.digest()
            try:
                self.fit(method, ndim, patches=patches)
                self.expect_answer(method)
            except Exception as error:
                raise AssertionError(f"{what}: {described(error)}") from error
            expect(patches.digest() == before, f"{what}, the patches changed while fit ran")
            self.expect_answer(self.restored(method, tables.through_file(method.weights())))

    # Weights and resuming

    def test_weights_are_a_flat_table(self, ndim: int) -> None:
        """Hands its weights over as a flat dict of finite arrays."""
        weights = self.fitted(ndim).method.weights()
        _expect_table(weights, "weights()")

    def test_weights_are_safe_to_keep(self, ndim: int) -> None:
        """Does not change, while it goes on, what weights() and state() returned."""
        kept: list[tuple[str, Weights, Weights]] = []
        method = self.build(ndim)

        def keep(reports: int) -> None:
            if reports == 1:
                for what, table in (("weights()", method.weights()), ("state()", method.state())):
                    if table is not None:
                        kept.append((what, table, tables.copy(table)))

        if len(self.fitted(ndim).progress) == 1:
            raise Skip("fits in one step: nothing goes on after it")
        self.fit(method, ndim, between=keep)
        for what, table, before in kept:
            fault = tables.difference(table, before, exact=True)
            expect(not fault, f"{what} of step 1 changed while fit went on ({fault}); copy it")

    def test_weights_survive_a_file(self, ndim: int) -> None:
        """Gives the same output from weights that were written to a file and read back."""
        first = self.fitted(ndim).method
        table = tables.through_file(first.weights())
        before = tables.copy(table)
        second = self.restored(first, table)
        fault = tables.array_difference(self.output(first), self.output(second))
        expect(not fault, f"after load_weights the output is another: {fault}")
        expect(
            not tables.difference(table, before, exact=True),
            "load_weights changed what it was given",
        )

    def test_settled_parameters_are_its_own(self, ndim: int) -> None:
        """Says with valid values what the parameters came to that it settled on the machine."""
        method = self.fitted(ndim).method
        settled = dict(method.resolved())
        unknown = sorted(set(settled) - set(self.plugin.Params.model_fields))
        expect(not unknown, f"resolved() names {unknown}, which are no parameters")
        again = self.plugin.Params(**{**method.params.model_dump(), **settled})
        for name, value in settled.items():
            expect(getattr(again, name) == value, f"resolved() says {name} = {value!r}")

    def test_resumes(self, ndim: int) -> None:
        """Gives, interrupted and resumed from a file, what an uninterrupted fit gives."""
        whole = self.fitted(ndim)
        stop = len(whole.progress) // 2
        if whole.method.state() is None:
            raise Skip("state() is None: an interrupted fit starts again")
        if stop == 0:
            raise Skip("fits in one step: there is nothing to interrupt")
        interrupted = self.build(ndim)
        fit = interrupted.fit(self.patches(ndim), seed=SEED)
        last = [next(fit) for _ in range(stop)][-1]
        state = interrupted.state()
        fit.close()
        _expect_table(state, "state()")
        resumed = self.build(ndim)
        resumed.load_state(tables.through_file(state))
        with other_random_state(98):
            reports = self.fit(resumed, ndim)
        expect(
            reports and reports[0].step > last.step,
            f"interrupted after step {last.step}, it reports step "
            f"{reports[0].step if reports else None} first; go on from the state's step",
        )
        fault = tables.difference(whole.method.weights(), resumed.weights())
        expect(not fault, f"resumed at step {last.step}, the weights are others: {fault}")

    def test_computes_where_it_is_told(self, ndim: int) -> None:
        """Computes on the device that its setup names."""
        size = self.size(ndim)

        def first_step(device: str) -> None:
            setup = Setup(size, device=device)
            method = self.plugin(self.settings(), setup)
            next(iter(method.fit(self.patches(ndim), seed=SEED)))

        used = devices_of(lambda: first_step("meta"))
        if not used:
            raise Skip("does not compute with torch")
        expect("meta" in used, f"setup.device is 'meta', but it computes on {', '.join(used)} only")


def _expect_table(table: Any, what: str) -> None:
    expect(isinstance(table, dict), f"{what} returned {type(table).__name__}, not a dict")
    for name, value in table.items():
        expect(isinstance(name, str), f"{what}: the name {name!r} is not a string")
        expect(
            hasattr(value, "shape") and hasattr(value, "dtype"),
            f"{what}: {name} is {type(value).__name__}, not a numpy array or torch tensor",
        )
        array = tables.as_numpy(value)
        expect(array.dtype.kind in "fiub", f"{what}: {name} holds {array.dtype}, not numbers")
        expect(array.dtype.kind != "f" or np.isfinite(array).all(), f"{what}: {name} is not finite")
