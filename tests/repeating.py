"""Fits the built-in methods with tiny parameters: whole, and interrupted after each step."""

from __future__ import annotations

from typing import Any

from vbench import registry
from vbench.interfaces import Fitted
from vbench.testing import GeneratorSuite, SegmenterSuite, tables
from vbench.testing.fitting import SEED
from vbench.testing.suite import Skip
from vbench.types import Weights

#: Larger networks of MONAI, which share their training with the ones that are tried.
LARGER = {"monai:AttentionUnet", "monai:BasicUNet", "monai:SwinUNETR", "monai:UNet"}


def methods() -> dict[str, type[Fitted]]:
    """Return the built-in generators and segmenters that are trained, by name."""
    return {
        entry.cls.name: entry.cls
        for entry in registry.default().entries()
        if entry.cls.kind in ("generator", "segmenter")
        and entry.identity.get("distribution") == "vbench"
        and entry.cls.name not in LARGER
    }


def suite(cls: type[Fitted]) -> Any:
    """Return the conformance kit's suite of a method, which builds and fits it."""
    base = GeneratorSuite if cls.kind == "generator" else SegmenterSuite
    return type("Suite", (base,), {"plugin": cls})()


def whole(cls: type[Fitted], ndim: int = 2) -> tuple[Weights, int]:
    """Fit to the end; return the weights and the number of reports.

    Raises:
        Skip: When it needs a parameter or a library that is not there.
    """
    kit = suite(cls)
    method = kit.build(ndim)
    reports = kit.fit(method, ndim)
    return tables.through_file(method.weights()), len(reports)


def resumed(cls: type[Fitted], stop: int, ndim: int = 2) -> Weights | None:
    """Interrupt a fit after some reports, go on from its state in another object.

    Returns:
        The weights at the end; None when the method says that it starts over.
    """
    kit = suite(cls)
    method = kit.build(ndim)
    fit = method.fit(kit.patches(ndim), seed=SEED)
    for _ in range(stop):
        next(fit)
    state = method.state()
    fit.close()
    if state is None:
        return None
    other = kit.build(ndim)
    other.load_state(tables.through_file(state))
    kit.fit(other, ndim)
    weights: Weights = tables.through_file(other.weights())
    return weights


def verdict(cls: type[Fitted], ndim: int = 2) -> str:
    """Say whether a fit that was interrupted after any report ends as an undisturbed one.

    Returns:
        ``equal``; ``one step`` or ``starts over`` where nothing is resumed; else what differs.
    """
    expected, reports = whole(cls, ndim)
    if reports < 2:
        return "one step"
    for stop in range(1, reports):
        found = resumed(cls, stop, ndim)
        if found is None:
            return "starts over"
        fault = tables.difference(expected, found, exact=True)
        if fault:
            return f"after step {stop}: {fault}"
    return "equal"


__all__ = ["Skip", "methods", "resumed", "verdict", "whole"]
