"""How the suites of generators and segmenters build and fit: what their checks stand on."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

from vbench.errors import MissingExtraError
from vbench.interfaces import Fitted
from vbench.spec.labels import takes
from vbench.testing.guards import changed, global_state, no_network, other_random_state
from vbench.testing.suite import Conformance, Skip, expect
from vbench.testing.toys import ToyPatches
from vbench.types import Array, Progress, Setup, Weights

#: Patch edges to try, in this order: the first that the plugin's ``check`` accepts is used.
EDGES = (16, 32, 64, 96)
#: As large as those of runs get, which lie in [0, 2**31): what takes fewer bits is found.
SEED = 2**31 - 1


@dataclass(frozen=True)
class Observed:
    """One whole fit with the tiny parameters, and what was seen of it."""

    method: Any
    progress: list[Progress]
    seconds: float
    touched: set[str]
    network: list[str]
    patches_changed: bool


class Fitting(Conformance):
    """Builds the plugin, fits it on toy patches, and watches one fit for all checks.

    Attributes:
        sizes: Patch size for each dimension; what is not named is found with ``check``.
        seconds: How long one tiny fit may take, of processor time.
    """

    plugin: ClassVar[type[Fitted]]
    sizes: ClassVar[Mapping[int, tuple[int, ...]]] = {}
    seconds: ClassVar[float] = 20.0
    _fits: ClassVar[dict[int, Observed | BaseException]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Give each suite its own fits."""
        super().__init_subclass__(**kwargs)
        cls._fits = {}

    @abstractmethod
    def output(self, method: Any) -> Array:
        """Return what the fitted method is for: samples, or a prediction; always the same call."""

    def size(self, ndim: int) -> tuple[int, ...]:
        """Return the patch size of the checks.

        Raises:
            AssertionError: When the plugin refuses all edges that are tried.
            Skip: When it stands on a library that is not installed.
        """
        if ndim in self.sizes:
            return self.sizes[ndim]
        reason = ""
        for edge, last in product(EDGES, (1, 2)):
            size = (*(edge,) * (ndim - 1), edge * last)
            try:
                self.plugin.check(self.settings(), Setup(size))
            except MissingExtraError as error:
                raise Skip(str(error)) from error
            except ValueError as error:
                reason = str(error)
            else:
                return size
        raise AssertionError(f"check() refuses patches of edge {EDGES}, the last with: {reason}")

    def build(self, ndim: int) -> Any:
        """Return a new, unfitted method."""
        return self.plugin(self.settings(), Setup(self.size(ndim), spacing=(0.5, 0.5, 0.7)))

    def several(self) -> list[tuple[int, int]]:
        """Return the numbers of classes and channels that the plugin says it takes beside one."""
        tried = ((3, 1), (1, 2), (3, 2))
        plugin = self.plugin
        return [(k, c) for k, c in tried if takes(plugin.classes, k) and takes(plugin.channels, c)]

    @abstractmethod
    def expect_answer(self, method: Any) -> None:
        """Hold what a fitted method of any number of classes and channels answers to the contract.

        Raises:
            AssertionError: When shape, type or values are not as agreed.
        """

    def restored(self, fitted: Any, table: Weights) -> Any:
        """Return a new method with given weights, built as vbench builds one to sample with."""
        settings = {**fitted.params.model_dump(), **fitted.resolved()}
        method = self.plugin(self.plugin.Params(**settings), fitted.setup)
        method.load_weights(table)
        return method

    def patches(self, ndim: int) -> ToyPatches:
        """Return the labelled patches that all fits of the suite see."""
        return ToyPatches(self.size(ndim))

    def fit(
        self,
        method: Any,
        ndim: int,
        between: Callable[[int], object] | None = None,
        patches: ToyPatches | None = None,
    ) -> list[Progress]:
        """Fit to the end and return the reports.

        Args:
            method: What to fit.
            ndim: 2 or 3.
            between: Called after each report, with the number of reports so far.
            patches: What to fit on; None: :meth:`patches`.

        Raises:
            AssertionError: When it takes far longer than tiny parameters are meant to.
        """
        reports: list[Progress] = []
        spent_since = _stopwatch()
        for progress in method.fit(patches or self.patches(ndim), seed=SEED):
            reports.append(progress)
            if between is not None:
                between(len(reports))
            spent = spent_since()
            expect(
                spent <= 3 * self.seconds,
                f"fit is at step {getattr(progress, 'step', '?')} after {spent:.0f} s with the "
                "tiny parameters; make `tiny` smaller",
            )
        return reports

    def fitted(self, ndim: int) -> Observed:
        """Return the one observed fit that most checks look at.

        Raises:
            Skip: When it failed; the check that fits says why.
        """
        if ndim not in self._fits:
            try:
                self._fits[ndim] = self._observe(ndim)
            except (Exception, SystemExit) as error:
                self._fits[ndim] = error
        seen = self._fits[ndim]
        if isinstance(seen, Skip):
            raise seen
        if isinstance(seen, BaseException):
            raise Skip("fit failed, see test_fits") from seen
        return seen

    def _observe(self, ndim: int) -> Observed:
        import torch  # noqa: F401 (so that its random state is watched from the start)

        patches = self.patches(ndim)
        touched: set[str] = set()
        # A state that no plugin would set by itself, so that setting one always shows.
        with other_random_state(97), no_network() as attempts:
            before, patches_before = global_state(), patches.digest()
            spent_since = _stopwatch()
            method = self.build(ndim)
            progress = self.fit(method, ndim, lambda _: touched.update(changed(before)), patches)
            seconds = spent_since()
            self.output(method)
            touched |= changed(before)
        return Observed(
            method, progress, seconds, touched, attempts, patches.digest() != patches_before
        )


def _stopwatch() -> Callable[[], float]:
    """Return a function that says how long was worked since: on a busy machine, not waited."""
    wall, cpu = time.perf_counter(), time.process_time()
    return lambda: max(time.process_time() - cpu, (time.perf_counter() - wall) / 5)
