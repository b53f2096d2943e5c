"""Generators: fitted on labelled patches, they sample new ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Literal

from vbench.interfaces.fitted import Fitted
from vbench.types import Array, Kind, Setup

#: Patches that :meth:`Generator.sample_many` samples at once; bounds memory.
AT_ONCE = 512


class Generator(Fitted):
    """Learns the distribution of labelled patches, then samples new ones.

    Attributes:
        learns: What its samples owe to the patches that it is fitted on: ``patches`` when it may
            take anything from them, ``summary`` when all that it keeps is a few numbers over all
            of them, ``nothing`` when it ignores them, ``elsewhere`` when its samples were made
            before, from data that vbench does not know. A datasheet says so. One that learns
            elsewhere is run before anything is trained, and is not trained again for attacks.
    """

    kind: ClassVar[Kind] = "generator"
    learns: ClassVar[Literal["patches", "summary", "nothing", "elsewhere"]] = "patches"

    @classmethod
    def inspect(cls, params: Any, setup: Setup) -> Sequence[str]:
        """Look into the files that it reads, before anything is trained or written.

        Called once the spec is sound, by ``vbench validate`` and by a run that is to fit it; it may
        take as long as reading these files.

        Args:
            params: An instance of this class's ``Params``.
            setup: With the spacing of the real data, where that is known before they are prepared.

        Returns:
            What a person should know of them, a sentence each.

        Raises:
            ValueError: When it cannot be fitted on them: the file, what is expected, how to mend
                it. A ``DataError`` does as well.
        """
        return ()

    @classmethod
    def shared_steps(cls, params: Any) -> int:
        """Return how many of its first steps a longer training does in the very same way.

        All but those in which a rate falls towards the end, say. With ``limits.keep_states`` vbench
        keeps the :meth:`state` after that step, and a training that differs in its length only
        starts from there. 0, as here, when every step depends on the length.

        Args:
            params: An instance of this class's ``Params``.
        """
        return 0

    @abstractmethod
    def sample(self, n: int, *, seed: int) -> Array:
        """Sample labelled patches.

        Each patch depends on the weights, ``seed`` and its own index only, not on ``n`` or on
        the others: ``sample(5)`` begins with what ``sample(3)`` returns, up to rounding.

        Returns:
            float32 ``(n, channels, *size)``: image in [-1, 1], label the index of the class, 0 or 1
            where there is one.
        """

    def sample_many(self, n: int, *, seed: int) -> Iterator[Array]:
        """Yield ``n`` labelled patches, a few hundred at a time: those that others train on.

        Override it where samples are not independent, such as a set that is handed out once
        through before any of its patches comes again.
        """
        for number, start in enumerate(range(0, n, AT_ONCE)):
            yield self.sample(min(AT_ONCE, n - start), seed=seed + number)

    def remarks(self) -> Sequence[str]:
        """Return what a reader of the results should know of this fit, a sentence each.

        Asked once it is fitted; vbench records it and shows it beside the results.
        """
        return ()

    def guarantee(self) -> Mapping[str, Any] | None:
        """Return the differential privacy that its training has, or None: it has none.

        vbench records it beside the fitted generator.

        Returns:
            JSON values: ``epsilon``, ``delta``, the ``unit`` whose data may change (``"patient"``),
            the ``accountant``, and what else it takes to compute epsilon again.
        """
        return None

    def membership_scores(self, patches: Array) -> Array | None:
        """Return how much each patch looks to the fitted method like one that it was fitted on.

        What an attacker may compute who holds the method itself, not only its samples: a critic's
        score, a likelihood, a training loss with its sign changed. Higher: more like a training
        patch; the unit is free. An audit compares training with held-out patients by it.

        Args:
            patches: float32 ``(n, channels, *size)``, as :meth:`sample` returns them; may be
                changed.

        Returns:
            ``(n,)``, finite, after ``load_weights`` the same as before; None, as here, when the
            method has no such thing.
        """
        return None
