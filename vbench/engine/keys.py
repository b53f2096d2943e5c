"""Keys and seeds: what is derived from the content of a thing, so that it stays the same."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import JsonValue


def digest(value: Any) -> str:
    """Return the key of a JSON value: 20 hex digits, whatever the order of its tables."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def derive_seed(seed: int, *axes: JsonValue) -> int:
    """Derive the seed of a thing from the benchmark's seed and the axes that the thing depends on.

    Adding an arm changes no other arm's seeds. The result lies in [0, 2**31).
    """
    text = json.dumps([seed, *axes], separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
