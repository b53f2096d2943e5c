from __future__ import annotations

import importlib
import sys

import pytest

from vbench.registry.source_digest import source_digest


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that writes files of a package and gives the digest of a module of it."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(module: str = "pack.method", **files: str) -> str:
        for name, text in {"__init__": "", **files}.items():
            path = tmp_path / "pack" / (name.replace(".", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        importlib.invalidate_caches()
        source_digest.cache_clear()
        return source_digest(module)

    yield write
    for name in [n for n in sys.modules if n.partition(".")[0] == "pack"]:
        del sys.modules[name]
    source_digest.cache_clear()


def test_it_changes_with_the_module(package):
    assert package(method="x = 1") != package(method="x = 2")


def test_it_is_the_same_for_the_same_text(package):
    assert package(method="x = 1") == package(method="x = 1")


@pytest.mark.parametrize(
    "imports",
    [
        "import pack.layers",
        "from pack import layers",
        "from pack.layers import x",
        "from . import layers",
        "from .layers import x",
        "def fit():\n    from pack.layers import x\n",
        "if True:\n    import pack.layers as layers\n",
    ],
)
def test_it_follows_imports_of_its_own_package(package, imports):
    first = package(method=imports, layers="x = 1")
    assert package(method=imports, layers="x = 2") != first


def test_it_follows_them_further(package):
    files = {"method": "import pack.a", "a": "import pack.b", "b": "import pack.method"}
    first = package(**files)
    assert package(**{**files, "b": "import pack.method\nx = 2"}) != first


def test_it_ignores_what_is_not_imported(package):
    first = package(method="x = 1", other="x = 1")
    assert package(method="x = 1", other="x = 2") == first


def test_it_ignores_other_packages(package):
    first = package(method="import json, numpy")
    assert first == package(method="import json, numpy")


def test_a_subpackage_counts_by_its_init(package):
    first = package(method="import pack.nn", **{"nn.__init__": "from pack.nn.net import x"})
    with_net = {"nn.__init__": "from pack.nn.net import x", "nn.net": "x = 2"}
    assert package(method="import pack.nn", **with_net) != first


@pytest.mark.parametrize("imports", ["import pack.heavy", "from pack.heavy import x"])
def test_it_does_not_import_what_it_reads(package, imports):
    package(method=imports, heavy="raise RuntimeError('imported')")
    assert "pack.heavy" not in sys.modules
