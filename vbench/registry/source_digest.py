"""A digest of the source code that a module is made of.

The module's file, and every module of the same top-level package that it imports, wherever in
the file (also inside functions), and what those import. Other packages count by their version
only; so a changed metric retrains no GAN, and a changed layer does.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import sys
from functools import cache
from pathlib import Path

from vbench.registry.local_file import PREFIX


def _file(module: str) -> Path | None:
    """Find a module's file without importing it, or its parents, which may be heavy."""
    loaded = getattr(sys.modules.get(module), "__file__", None)
    if loaded is not None:
        return Path(loaded) if loaded.endswith(".py") else None
    top, *below = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    for folder in (spec and spec.submodule_search_locations) or ():
        place = Path(folder, *below)
        for path in (place / "__init__.py", place.with_name(f"{place.name}.py")):
            if path.is_file():
                return path
    origin = spec.origin if spec and not below else None
    return Path(origin) if origin and origin.endswith(".py") else None


def _imports(module: str, path: Path, tree: ast.AST) -> set[str]:
    """Return all names that may be modules, of imports of the module's own top-level package."""
    top = module.partition(".")[0]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                kept = parents[: len(parents) - node.level + 1]
                base = ".".join([*kept, base] if base else kept)
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return {name for name in found if name == top or name.startswith(f"{top}.")}


@cache
def source_digest(module: str) -> str:
    """Return the digest (16 hex digits) of a module and all that it imports from its package."""
    texts: dict[str, bytes] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in texts:
            continue
        path = _file(name)
        if path is None:
            continue
        texts[name] = path.read_bytes()
        waiting.extend(_imports(name, path, ast.parse(texts[name])))
    digest = hashlib.sha256()
    for name in sorted(texts):
        # A local file's module name holds its place on disk; its content is what counts.
        label = name if not name.startswith(PREFIX) else "local"
        digest.update(label.encode() + b"\0" + texts[name] + b"\0")
    return digest.hexdigest()[:16]
