"""Parts that other packages add by being installed: Python entry points, found by group and loaded when they are used.

A package declares them in its ``pyproject.toml``; nothing of ours is edited::

    [project.entry-points."imagerag.generators"]
    plain = "my_package:PLAIN"
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, TypeVar, get_args

from imagerag.errors import UserError, first_line

Group = Literal["generators", "critics", "chat_models", "collections", "searches", "tools", "moderations"]
Kind = TypeVar("Kind")
Made = TypeVar("Made")
GROUPS: tuple[Group, ...] = get_args(Group)
"""``generators`` draw; ``critics`` judge; ``chat_models`` drive; ``collections`` are formats of picture collections
that are indexed; ``searches`` are services that are searched for references; ``tools`` are offered to chat models;
``moderations`` are asked about every picture before it is shown."""


@dataclass(frozen=True)
class Plugin:
    """One part that a package adds.

    Attributes:
        group: what it is.
        name: by which a setting names it.
        package: the distribution that brings it, and its version.
        target: the object, as ``module:attribute``.
    """

    group: Group
    name: str
    package: str
    target: str


@lru_cache(maxsize=1)
def _entry_points() -> dict[Group, dict[str, EntryPoint]]:
    found: dict[Group, dict[str, EntryPoint]] = {group: {} for group in GROUPS}
    for group in GROUPS:
        for entry in entry_points(group=f"imagerag.{group}"):
            found[group].setdefault(entry.name, entry)
    return found


def installed(group: Group) -> dict[str, Plugin]:
    """Return what is installed of a group, by name; nothing is imported."""
    return {name: _described(group, entry) for name, entry in sorted(_entry_points()[group].items())}


def load_plugin(group: Group, name: str) -> Any:
    """Return the object behind an installed name.

    Raises:
        UserError: it is not installed, or its package can't be imported.
    """
    entry = _entry_points()[group].get(name)
    if entry is None:
        raise UserError(f"no installed package has {name!r} among its 'imagerag.{group}'; see: imagerag plugins")
    try:
        return entry.load()
    except (Exception, SystemExit) as error:  # whatever a package of somebody else's raises when it is imported
        package = _described(group, entry).package
        raise UserError(
            f"{name!r} of the package {package!r} can't be loaded ({type(error).__name__}: {first_line(error)}); "
            "mend the package, or uninstall it"
        ) from error


def load_as(kind: type[Kind], group: Group, name: str) -> Kind:
    """Return the object behind an installed name, which has to be of that class.

    Raises:
        UserError: it is not installed, can't be imported, or is something else.
    """
    loaded = load_plugin(group, name)
    if not isinstance(loaded, kind):
        raise _wrong(group, name, loaded, kind.__name__)
    return loaded


def make(group: Group, name: str, *arguments: Any) -> Any:
    """Return what the function behind an installed name makes of these arguments.

    Raises:
        UserError: it is not installed, can't be imported, is no function, or fails.
    """
    factory = load_plugin(group, name)
    if not callable(factory):
        raise _wrong(group, name, factory, "function")
    return made_by(group, name, lambda: factory(*arguments))


def made_by(group: Group, name: str, call: Callable[[], Made]) -> Made:
    """Return what a package's code makes; what it raises becomes one line that names the package.

    Raises:
        UserError: it fails.
    """
    try:
        return call()
    except UserError:
        raise
    except (Exception, SystemExit) as error:  # whatever the code of somebody else raises
        raise UserError(
            f"{name!r} of the package {installed(group)[name].package!r} failed "
            f"({type(error).__name__}: {first_line(error)}); mend the package, or name another"
        ) from error


def _wrong(group: Group, name: str, loaded: object, wanted: str) -> UserError:
    return UserError(
        f"{name!r} among the 'imagerag.{group}' is a {type(loaded).__name__}, not a {wanted}; "
        f"mend {installed(group)[name].target!r}"
    )


def _described(group: Group, entry: EntryPoint) -> Plugin:
    package = f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "unknown"
    return Plugin(group, entry.name, package, entry.value)
