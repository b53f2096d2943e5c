"""The scripts that draw charts in a page: Vega, Vega-Lite and Vega-Embed, without a network."""

from __future__ import annotations

import gzip
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path

from vbench.files import atomic_write

#: Said in the page, for the BSD-3-Clause licence of all three.
_NOTICE = "/* Vega, Vega-Lite and Vega-Embed, BSD-3-Clause: https://github.com/vega */\n"


@cache
def vega() -> str:
    """Return the scripts as one, from the installed ``vl-convert-python``.

    Putting them together takes seconds, so the script is kept, by version, in the user's cache
    (``$XDG_CACHE_HOME/vbench`` or ``~/.cache/vbench``) where that can be written.
    """
    path = _cache() / f"vega-{version('vl-convert-python')}.js.gz"
    try:
        return gzip.decompress(path.read_bytes()).decode("utf-8")
    except (OSError, EOFError, ValueError):
        pass
    import vl_convert

    script = _NOTICE + str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    try:
        with atomic_write(path) as temporary:
            temporary.write_bytes(gzip.compress(script.encode("utf-8"), mtime=0))
    except OSError:
        pass  # a folder that cannot be written costs the time again
    return script


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "vbench"
