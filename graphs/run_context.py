"""The settings of a run from what LangGraph hands over: a context, or values in the ``configurable`` of a config."""

import threading
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from imagerag.declaration import declared_settings
from imagerag.errors import UserError
from imagerag.settings import Settings, load_settings

NESTED = "__pregel_runtime"
"""Key under which LangGraph hands a subgraph the runtime of the graph that it is part of."""

WRITTEN_ELSEWHERE = "origins"
"""The field that tells where values come from; nobody sets it."""


def settings_of(context: Any, configurable: Mapping[str, Any]) -> Settings:
    """Return the settings of a run.

    ``Settings`` count as they are; a mapping, as a LangGraph server gives it, leaves the rest to variables and
    defaults. Values of the same names in ``configurable`` count where the context leaves the field at its default: a
    server hands them over as context, so that both mean the same.

    Args:
        context: ``Settings``, a mapping of their fields, or ``None``.
        configurable: of the config; other names than those of settings are somebody else's.

    Raises:
        UserError: a name that is no setting, or a value of the wrong type or range.
    """
    declared = declared_settings(Settings)
    configured = {name: value for name, value in configurable.items() if name in declared and name != WRITTEN_ELSEWHERE}
    if isinstance(context, Settings):
        told = dict(context.origins)
        defaults = {one.name: one.default for one in fields(Settings)}
        left = {
            name: value
            for name, value in configured.items()
            if name not in told and getattr(context, name) == defaults[name]
        }
        return _with(context, left)
    if context is None:
        return _with(load_settings(), configured)
    if not isinstance(context, Mapping):
        raise UserError(f"context {str(context)[:80]!r} is neither Settings nor a dictionary of their fields")
    for name in context:
        if name not in declared or name == WRITTEN_ELSEWHERE:
            valid = ", ".join(one for one in declared if one != WRITTEN_ELSEWHERE)
            raise UserError(f"context has {str(name)[:80]!r}, which is no setting; valid: {valid}")
    return _with(load_settings(), {**configured, **context})


def settings_of_part(context: Any, runtime: Any) -> Settings:
    """Return the settings of a run of a graph that is part of another.

    The other graph's context may be of another kind: then variables, file and defaults count.

    Args:
        context: what the graph was called with; ``None`` as a rule.
        runtime: that of the other graph.

    Raises:
        UserError: as ``settings_of`` does.
    """
    given = getattr(runtime, "context", None) if context is None else context
    if isinstance(given, Settings):
        return given
    return settings_of(context if isinstance(context, Mapping) else None, {})


class StopSwitch(threading.Event):
    """Stops a run whose caller listens no more, as well as the event that the caller has given, if any."""

    def __init__(self) -> None:
        super().__init__()
        self._given: threading.Event | None = None

    def added_to(self, settings: Settings) -> Settings:
        """Return the settings with this switch for ``cancel``; what they had there stops the run, too."""
        self._given = settings.cancel
        return replace(settings, cancel=self)

    def is_set(self) -> bool:
        """Return whether either of them is set."""
        return super().is_set() or (self._given is not None and self._given.is_set())


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and all(isinstance(part, str) for part in value))


def _with(settings: Settings, values: Mapping[str, Any]) -> Settings:
    if not values:
        return settings
    declared = declared_settings(Settings)
    parsed = {
        name: declared[name].parse(value, f"{name} in the context")
        if declared[name].kind is tuple and _is_text(value)
        else value
        for name, value in values.items()
    }
    told = {**dict(settings.origins), **dict.fromkeys(parsed, "context")}
    return replace(settings, **parsed, origins=tuple(told.items()))
