"""Every built-in plugin is held to the kit that a third party's is held to."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from vbench import registry
from vbench.interfaces import Plugin
from vbench.testing.suite import Conformance

FOLDER = Path(__file__).parent
#: Larger networks of MONAI: their own tests train and predict once; `vbench check --all` does all.
SAMPLED = {"monai:AttentionUnet", "monai:BasicUNet", "monai:SwinUNETR", "monai:UNet"}


def checked() -> set[type[Plugin]]:
    """Return the plugins for which a test module here has a suite of the kit."""
    found = set()
    for number, path in enumerate(sorted(FOLDER.rglob("test_*.py"))):
        if path == Path(__file__) or "vbench.testing" not in path.read_text(encoding="utf-8"):
            continue
        spec = importlib.util.spec_from_file_location(f"conformance_{number}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for value in vars(module).values():
            if (
                isinstance(value, type)
                and issubclass(value, Conformance)
                and "plugin" in vars(value)
            ):
                found.add(value.plugin)
    return found


def test_no_built_in_plugin_is_left_out(monkeypatch):
    monkeypatch.setenv("VBENCH_PLUGINS", "")
    plugins = registry.load()
    held = {(cls.kind, cls.name) for cls in checked()}
    built_in = {(entry.cls.kind, entry.cls.name) for entry in plugins.entries()}
    missing = {(kind, name) for kind, name in built_in - held if name not in SAMPLED}
    assert missing == set()
