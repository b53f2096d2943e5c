"""The spec: what a benchmark compares, read from TOML and checked before anything runs."""

from vbench.spec.load import load_spec, parse_spec
from vbench.spec.model import Spec

__all__ = ["Spec", "load_spec", "parse_spec"]
