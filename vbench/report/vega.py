"""The scripts that draw charts in a page: Vega, Vega-Lite and Vega-Embed, without a network."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

from vbench.files import atomic_write, user_cache

#: Said in the page, for the BSD-3-Clause licence of all three.
_NOTICE = "/* Vega, Vega-Lite and Vega-Embed, BSD-3-Clause: https://github.com/vega */\n"


@cache
def vega() -> str:
    """Return the scripts as one, from the installed ``vl-convert-python``.

    Putting them together takes seconds, so the script is kept, by version, in the user's cache
    (``$XDG_CACHE_HOME/vbench/vega`` or ``~/.cache/vbench/vega``) where only this user can write:
    what stands there runs in every report.
    """
    folder = user_cache()
    path = folder and folder / "vega" / f"{version('vl-convert-python')}.js.gz"
    if path and not _private(path.parent):
        path = None
    if path and path.is_file():
        with suppress(OSError, EOFError, ValueError, zlib.error):  # a spoilt file is made again
            if script := gzip.decompress(path.read_bytes()).decode("utf-8"):
                return script
    import vl_convert

    script = _NOTICE + str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))
    if path:
        with suppress(OSError), atomic_write(path) as temporary:
            temporary.write_bytes(gzip.compress(script.encode("utf-8"), mtime=0))
    return script


def _private(folder: Path) -> bool:
    """Make a folder; return whether it is there, and nobody else can write to it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.lstat()
    except OSError:
        return False
    others = stat.S_IWGRP | stat.S_IWOTH
    own = stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid()
    return own and not about.st_mode & others
