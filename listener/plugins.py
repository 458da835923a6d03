"""What is installed beside us: connectors and rule packs, found through entry points, ours like third parties'.

Names are read at once, modules are imported when asked for: a command that needs no X never imports tweepy, and a
connector that cannot be imported harms nobody who does not use it.

    PluginError   an entry point cannot be used; says which, of which distribution, and what to do
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.base import Connector

CONNECTORS = "listener.connectors"
RULEPACKS = "listener.rulepacks"
OUR_NAMES = ("listener", "connectors", "rules")


class PluginError(ImportError):
    """An installed connector or pack cannot be used. The message is for the user."""


@dataclass(frozen=True, slots=True)
class LoadedConnector:
    """A connector that is installed. It is imported by `load`, not before."""

    name: str
    distribution: str  # who ships it, "listener" for ours
    entry: metadata.EntryPoint

    def load(self) -> Connector:
        """Import it. Raises `PluginError`."""
        # Not at the top: `check_distribution` must be able to speak when `connectors` is somebody else's.
        from connectors.base import Connector

        try:
            loaded = self.entry.load()
        except Exception as error:  # a third party's module may raise anything while it is imported
            raise PluginError(
                f'the connector "{self.name}" of {self.distribution} cannot be imported'
                f" ({type(error).__name__}: {str(error)[:200]}); reinstall or remove {self.distribution}"
            ) from error
        if not isinstance(loaded, Connector):
            raise PluginError(
                f'the connector "{self.name}" of {self.distribution} is no connectors.base.Connector;'
                f" ask its author, or remove {self.distribution}"
            )
        return loaded


def connectors() -> Mapping[str, LoadedConnector]:
    """Every installed connector by name, sorted. Ours win over a third party's of the same name."""
    found: dict[str, LoadedConnector] = {}
    for entry in metadata.entry_points(group=CONNECTORS):
        distribution = entry.dist.name if entry.dist is not None else "an unknown distribution"
        if entry.name not in found or distribution == "listener":
            found[entry.name] = LoadedConnector(entry.name, distribution, entry)
    return dict(sorted(found.items()))


def rulepacks() -> Mapping[str, Traversable]:
    """The folder of every installed set of rule packs by name, ours first. Raises `PluginError`."""
    found: dict[str, Traversable] = {}
    for entry in sorted(
        metadata.entry_points(group=RULEPACKS), key=lambda entry: (entry.name != "builtin", entry.name)
    ):
        try:
            found.setdefault(entry.name, files(entry.value))
        except Exception as error:  # likewise
            raise PluginError(f'the rule packs "{entry.name}" ({entry.value}) cannot be found: {error}') from error
    return found


def check_distribution(installed: Callable[[], Iterable[metadata.Distribution]] = metadata.distributions) -> list[str]:
    """One plain sentence for each other distribution that also provides `listener`, `connectors` or `rules`.

    The names are generic, and two packages of one name overwrite each other's files. Empty when all is well. File
    lists are searched as text: `importlib.metadata.packages_distributions` parses them and takes many times as long.
    """
    found: dict[str, str] = {}
    for distribution in installed():
        taken = _ours_in(distribution.read_text("top_level.txt") or "", distribution.read_text("RECORD") or "")
        if taken and distribution.name != "listener":
            names = " and ".join(f'"{name}"' for name in taken)
            found[distribution.name] = (
                f"{distribution.name} is installed in the same environment and also provides {names}, so the two"
                " overwrite each other; install listener on its own (pipx, uv tool, or a virtual environment of its own)"
            )
    return list(found.values())


def _ours_in(top_level: str, file_list: str) -> list[str]:
    lines = set(top_level.split())
    files = "\n" + file_list
    return [name for name in OUR_NAMES if name in lines or f"\n{name}/" in files or f"\n{name}.py," in files]
