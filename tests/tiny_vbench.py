"""``vbench`` with every spec shrunk, so that the commands of the documentation run in seconds.

    python tests/tiny_vbench.py run benchmarks/paper.toml    # as `vbench run benchmarks/paper.toml`
    python tests/tiny_vbench.py page.py                      # a script that imports vbench

All that is substituted is in :func:`shrink`; results are not mirrored into MLflow, which has its
own tests and takes as long as the rest; and where a command names no number of workers, there is
one: each has torch to import, for trainings of a second.
"""

from __future__ import annotations

import os
import runpy
import sys
from types import SimpleNamespace
from typing import Any

from vbench import api, registry
from vbench.cli import main
from vbench.engine import process
from vbench.spec import Spec, load_spec, parse_spec
from vbench.spec.space import without_ranges


def shrink(spec: Spec) -> Spec:
    """Return the spec at the smallest size: with the arms baseline, real and synthetic.

    Every plugin runs with the parameters that it names for tests (``tiny``); the last generator,
    one seed, one trial, two training subjects, and 16 patches a subject are left.
    """
    plugins = registry.for_paths(tuple(spec.plugins.paths))
    table: dict[str, Any] = spec.model_dump(mode="json", exclude_none=True)
    table["benchmark"]["seeds"] = table["benchmark"]["seeds"][:1]
    table["patches"]["per_subject"] = 16
    table["tune"] |= {"trials": 1, "checkpoints": 1, "validations": 1, "pruner": "none"}
    table["data"].pop("target", None)
    table["data"].pop("targets", None)
    source = table["data"]["source"]
    source |= plugins.source(source["plugin"]).tiny
    most = {"train": 2, "val": 1, "test": 2}
    if "folds" in source["split"]:
        source["split"] |= {"folds": 2, "val": 1, "subjects": 4}
    elif isinstance(source["split"]["train"], int):
        source["split"] = {part: min(n, most[part]) for part, n in source["split"].items()}
    del table["generators"][:-1]
    for use in table["generators"]:
        generator = plugins.generator(use["plugin"])
        use["params"] = without_ranges(generator.Params, use["params"]) | generator.tiny
    for use in table.get("segmenters") or [table["segmenter"]]:
        segmenter = plugins.segmenter(use["plugin"])
        use["params"] = without_ranges(segmenter.Params, use["params"]) | segmenter.tiny
    for regime in ("mixed", "transfer", "scratch", "pretrained"):
        table["regimes"].pop(regime, None)
    if table["regimes"].get("synthetic"):
        table["regimes"]["synthetic"] = True  # of the generators that are left
    return parse_spec(table)


def tiny_load(*args: Any, **named: Any) -> Spec:
    """Read a spec as vbench does, then shrink it."""
    return shrink(load_spec(*args, **named))


_run = api.run


def plain_run(*args: Any, **named: Any) -> Any:
    """Run a benchmark without trackers, whatever the command says, and mostly in one worker."""
    return _run(*args, **{**named, "tracking": False, "workers": named.get("workers") or 1})


if __name__ == "__main__":
    api.load_spec = tiny_load  # type: ignore[attr-defined]
    api.run = plain_run  # type: ignore[assignment]
    if "WARM_PYTHON" in os.environ:  # its workers need not import torch
        python = SimpleNamespace(executable=os.environ["WARM_PYTHON"], path=sys.path)
        process.sys = python  # type: ignore[assignment]
    if sys.argv[1:] and sys.argv[1].endswith(".py"):
        runpy.run_path(sys.argv[1], run_name="__main__")
    else:
        main()
