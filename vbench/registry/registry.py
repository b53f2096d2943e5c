"""The plugins of one process, by kind and name.

Two plugins with one name are an error that names both distributions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pluggy

from vbench import hookspecs
from vbench._version import KEYS
from vbench.errors import PluginError, did_you_mean
from vbench.interfaces import DataSource, Generator, Metric, Plugin, Segmenter
from vbench.registry.source_digest import source_digest
from vbench.registry.trial import BUILT_IN, GROUP, Candidate
from vbench.types import Kind

_NAME = re.compile(r"^[a-z0-9]+([-:._][A-Za-z0-9]+)*(:\*)?$")
_BASES: dict[Kind, type[Plugin]] = {
    "source": DataSource,
    "generator": Generator,
    "segmenter": Segmenter,
    "metric": Metric,
}


@dataclass(frozen=True)
class Entry:
    """A registered plugin.

    Attributes:
        cls: The class.
        distribution: Who ships it: a distribution's name, or the path of a local file.
        version: The distribution's version; empty for a local file.
    """

    cls: type[Plugin]
    distribution: str
    version: str

    @property
    def built_in(self) -> bool:
        """Whether vbench itself ships it."""
        return self.distribution == BUILT_IN

    @property
    def digest(self) -> str:
        """Digest of the source that it is made of: its module and what that imports of its package.

        Part of every job key, so that changed code is never taken for the old.
        """
        return source_digest(self.cls.__module__)

    @property
    def identity(self) -> dict[str, str]:
        """What a job key and a record say of the plugin; of a built-in one no release's number."""
        return {
            "name": self.cls.name,
            "distribution": Path(self.distribution).name,
            "version": KEYS if self.built_in else self.version,
            "source": self.digest,
        }


@dataclass(frozen=True)
class LoadFailure:
    """An entry point or file that could not be loaded.

    Attributes:
        origin: ``distribution: entry point`` or the file.
        message: One line.
        traceback: In full; empty for a name that is not installed.
    """

    origin: str
    message: str
    traceback: str


class Registry:
    """The plugins of one process.

    Attributes:
        manager: The pluggy manager, for life-cycle hooks.
        failures: What could not be loaded.
    """

    def __init__(self) -> None:
        """Start empty; see :func:`load`."""
        self.manager = pluggy.PluginManager(GROUP)
        self.failures: list[LoadFailure] = []
        self._entries: dict[tuple[Kind, str], Entry] = {}
        self._clashes: dict[tuple[Kind, str], str] = {}
        for group in (hookspecs.Registration, hookspecs.LifeCycle, hookspecs.CommandLine):
            self.manager.add_hookspecs(group)

    def add(self, plugin: object, *, name: str, distribution: str, version: str) -> None:
        """Register a module (or object) with hook implementations.

        Args:
            plugin: The object that carries the functions.
            name: Unique among loaded plugins.
            distribution: Who ships it.
            version: Its version.

        Raises:
            PluginError: When it registers something that is not a plugin, or a name twice.
        """
        self.manager.register(plugin, name=name)
        added: list[tuple[Kind, str]] = []
        try:
            for kind in _BASES:
                hook = getattr(plugin, f"vbench_register_{kind}s", None)
                if hook is None:
                    continue

                def register(cls: type[Plugin], kind: Kind = kind) -> None:
                    self._register(kind, cls, distribution, version)
                    added.append((kind, cls.name))

                hook(register=register)
            self.manager.check_pending()
        except Exception:
            # All of it or nothing: half a plugin would be harder to understand than none.
            self.manager.unregister(plugin)
            for key in added:
                del self._entries[key]
            raise

    def take(self, candidate: Candidate) -> None:
        """Import a candidate and register it; what it raises goes through."""
        self.add(
            candidate.load(),
            name=candidate.name,
            distribution=candidate.distribution,
            version=candidate.version,
        )

    def _register(self, kind: Kind, cls: type[Plugin], distribution: str, version: str) -> None:
        if not (isinstance(cls, type) and issubclass(cls, _BASES[kind])):
            raise PluginError(
                f"{distribution}: {cls!r} is not a subclass of {_BASES[kind].__name__}"
            )
        name = getattr(cls, "name", None)
        if not isinstance(name, str) or not _NAME.match(name):
            raise PluginError(
                f"{distribution}: {cls.__name__}.name is {name!r}; "
                "expected lower case letters, digits and '-'"
            )
        abstract = sorted(getattr(cls, "__abstractmethods__", ()))
        if abstract:
            raise PluginError(f"{distribution}: {kind} '{name}' lacks {', '.join(abstract)}")
        other = self._entries.get((kind, name))
        if other is not None:
            first = f"{other.distribution} {other.version}".strip()
            second = f"{distribution} {version}".strip()
            clash = (
                f"two {kind}s are called '{name}': one of {first}, one of {second}; rename or "
                "uninstall one, or name the plugins to load in VBENCH_PLUGINS"
            )
            self._clashes[kind, name] = clash
            raise PluginError(clash)
        self._entries[kind, name] = Entry(cls, distribution, version)

    def get(self, kind: Kind, name: str) -> Entry:
        """Return the plugin of this kind and name.

        Raises:
            PluginError: When there is none; with the nearest name, and with what failed to load.
                When two have this name: which is meant is not ours to guess.
        """
        if (kind, name) in self._clashes:
            raise PluginError(self._clashes[kind, name])
        entry = self._find(kind, name)
        if entry is None:
            hint = did_you_mean(name, self.names(kind))
            raise PluginError(f"no {kind} is called '{name}'{hint}{self.failed()}")
        return entry

    def failed(self) -> str:
        """Say what could not be loaded, behind a message that nothing has a name; may be empty."""
        return "".join(f"; {f.origin} could not be loaded: {f.message}" for f in self.failures)

    def has(self, kind: Kind, name: str) -> bool:
        """Whether there is a plugin of this kind and name."""
        return self._find(kind, name) is not None

    def _find(self, kind: Kind, name: str) -> Entry | None:
        family, colon, member = name.partition(":")
        known = self._entries.get((kind, f"{family}:*")) if colon and member != "*" else None
        return (
            replace(known, cls=known.cls.member(member))
            if known
            else self._entries.get((kind, name))
        )

    def has_file(self, path: Path) -> bool:
        """Whether this file is among the loaded plugin modules."""
        files = (getattr(plugin, "__file__", None) for plugin in self.manager.get_plugins())
        return any(Path(file).resolve() == path.resolve() for file in files if file)

    def source(self, name: str) -> type[DataSource]:
        """Return the data source of this name."""
        return cast(type[DataSource], self.get("source", name).cls)

    def generator(self, name: str) -> type[Generator]:
        """Return the generator of this name."""
        return cast(type[Generator], self.get("generator", name).cls)

    def segmenter(self, name: str) -> type[Segmenter]:
        """Return the segmenter of this name."""
        return cast(type[Segmenter], self.get("segmenter", name).cls)

    def metric(self, name: str) -> type[Metric]:
        """Return the metric of this name."""
        return cast(type[Metric], self.get("metric", name).cls)

    def metrics(self, family: str) -> dict[str, type[Metric]]:
        """Return all metrics of a family (``segmentation``, ``fidelity``, ``privacy``) by name."""
        found = (cast(type[Metric], entry.cls) for entry in self.entries("metric"))
        return {cls.name: cls for cls in found if cls.family == family}

    def names(self, kind: Kind) -> list[str]:
        """Return the names of a kind, sorted; of a family, those of its listed members."""
        return sorted(
            name.replace("*", member) if name.endswith(":*") else name
            for (k, name), entry in self._entries.items()
            if k == kind
            for member in (entry.cls.members if name.endswith(":*") else ("",))
        )

    def entries(self, kind: Kind | None = None) -> Iterator[Entry]:
        """Iterate over the plugins, of one kind or all, sorted by kind and name."""
        for k in sorted(_BASES):
            if kind is None or k == kind:
                found = (self._find(k, name) for name in self.names(k))
                yield from (entry for entry in found if entry is not None)
