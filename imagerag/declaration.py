"""One declaration per setting, from which its check, flag, variable, file key, help text and documentation follow."""

import math
import os
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from imagerag.errors import UserError
from imagerag.told_text import told_value

T = TypeVar("T")

Group = Literal["models", "lookup", "image", "limits", "output", "places", "upkeep", "clients"]
GROUPS: Mapping[Group, str] = {
    "models": "models, critic and tools",
    "lookup": "looking things up",
    "image": "the image",
    "limits": "limits; whichever is reached first ends the run with the best image so far",
    "output": "output",
    "places": "files and servers",
    "upkeep": "how long things are kept",
    "clients": "what clients of a server may choose",
}
SERVER_ONLY: tuple[Group, ...] = ("upkeep", "clients")
"""Groups that mean something to servers alone."""

Reserved = Literal["part", "own", "place"]
"""What clients of a server may not choose: a part may only be the server's own or the default; the others are always
the server's own, and a place is a file, folder or address there."""

YES_OR_NO = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}

_SEPARATORS = {os.pathsep: "the path separator, `:` or on Windows `;`", "\n": "line ends", ",": "commas"}


@dataclass(frozen=True)
class Setting:
    """How one setting is declared; ``name``, ``kind`` and ``default`` come from the dataclass field.

    Attributes:
        help: one sentence without a full stop, for ``--help`` and the documentation.
        details: whole sentences that only the documentation has.
        metavar: stands for the value in ``--help``.
        group: heading under which it is listed.
        low, high: smallest and largest number allowed.
        above: the number must be greater than this one.
        choices: the texts allowed.
        separator: between several values in a variable; of ``,`` also in flags and lists, since names have no comma.
        default_text: what the default means, where its value doesn't say it.
        reserved: what clients of a server may not choose, see ``Reserved``; ``None`` leaves it to them.
        common: listed by ``imagerag --help``, besides ``imagerag draw --help``.
        program_only: a field for programs, without flag, variable and file key.
        alias: a shorter flag that means the same.
    """

    help: str
    details: str = ""
    metavar: str = "NAME"
    group: Group = "models"
    low: int | None = None
    high: int | None = None
    above: int | None = None
    choices: tuple[str, ...] = ()
    separator: str = ""
    default_text: str = ""
    reserved: Reserved | None = None
    common: bool = False
    program_only: bool = False
    alias: str = ""
    name: str = ""
    kind: type = str
    default: Any = None

    @property
    def flag(self) -> str:
        """The flag on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"IMAGERAG_{self.name.upper()}"

    @property
    def noun(self) -> str:
        """What kind of value it takes."""
        nouns = {int: "a whole number", float: "a number", bool: "yes or no", tuple: "a list of texts", str: "text"}
        return nouns.get(self.kind, "an event with a method is_set, which only a program can give")

    @property
    def valid(self) -> str:
        """The range or the choices, or nothing."""
        if self.choices:
            return ", ".join(self.choices)
        if self.above is not None:
            return f"above {self.above}"
        if self.low is not None:
            return f"{self.low} or more" if self.high is None else f"{self.low}..{self.high}"
        return ""

    @property
    def shown_default(self) -> str:
        """The default as ``--help`` and the documentation show it."""
        if self.default_text:
            return self.default_text
        if self.kind is bool:
            return "yes" if self.default else "no"
        if self.default in (None, ()):
            return "none"
        return f"{self.default:g}" if self.kind is float else str(self.default)

    @property
    def separator_text(self) -> str:
        """What separates several values in a variable, in words."""
        return _SEPARATORS.get(self.separator, "")

    def check(self, value: Any) -> None:
        """Refuse a value of another type, or outside the range or the choices.

        Raises:
            UserError: naming the value, what is valid, and the flag that sets it.
        """
        if value is None and self.default is None:
            return
        told = told_value(value)
        if not self._is_of_kind(value):
            way = f"leave it out, or give {self.flag} {self.noun}" if not self.program_only else f"give {self.noun}"
            raise UserError(f"{self.name} {told} is not {self.noun}; {way}")
        if self.kind is float and not _is_finite(value):
            noun = f"{self.noun} {self.valid}" if self.valid else self.noun
            raise UserError(f"{self.name} {told} is no finite number; leave it out, or give {self.flag} {noun}")
        if self.choices:
            if value not in self.choices:
                raise UserError(f"{self.name} {told} is not one of {self.valid}; give {self.flag} one of these")
        elif self.above is not None:
            if not value > self.above:
                raise UserError(f"{self.name} {told} must be {self.valid}; give {self.flag} such a number")
        elif self.high is not None:
            if not (self.low or 0) <= value <= self.high:
                raise UserError(
                    f"{self.name} {told} is outside {self.valid}; give {self.flag} {self.noun} in that range"
                )
        elif self.low is not None and not value >= self.low:
            raise UserError(f"{self.name} {told} must be {self.valid}; give {self.flag} such a number")

    def _is_of_kind(self, value: Any) -> bool:
        if self.kind is tuple:
            return isinstance(value, tuple | list) and all(isinstance(part, str | tuple) for part in value)
        if self.kind is bool:
            return isinstance(value, bool)
        if self.kind is int:
            return isinstance(value, int) and not isinstance(value, bool)
        if self.kind is float:
            return isinstance(value, int | float) and not isinstance(value, bool)
        if self.kind is str:
            return isinstance(value, str | os.PathLike)
        return hasattr(value, "is_set")

    def parse(self, value: Any, where: str) -> Any:
        """Return the value that a variable, a settings file or a repeated flag gives, in the type of the field.

        Args:
            value: the text of a variable, a value of the TOML file, or the list of a flag's values.
            where: its origin, for the message.

        Raises:
            UserError: it has the wrong type. The range is checked where the settings are made.
        """
        if self.kind is tuple:
            return self._parse_list(value, where)
        if self.kind is bool:
            if str(value).lower() not in YES_OR_NO:
                raise UserError(f"{where} is {told_value(value)}; it must be one of {', '.join(YES_OR_NO)}")
            return YES_OR_NO[str(value).lower()]
        wrong = isinstance(value, list | dict)
        if self.kind in (int, float):
            # TOML has types of its own: neither true nor 2.5 is a whole number.
            wrong = wrong or isinstance(value, bool)
            wrong = wrong or (self.kind is int and isinstance(value, float) and not value.is_integer())
        try:
            if not wrong:
                return self.kind(value)
        except (TypeError, ValueError):
            pass
        raise UserError(f"{where} is {told_value(value)}; it must be {self.noun}")

    def _parse_list(self, value: Any, where: str) -> tuple[str, ...]:
        if isinstance(value, str):
            parts = value.split(self.separator)
        elif isinstance(value, list | tuple):
            parts = [str(part) for part in value]
            if self.separator == ",":
                parts = ",".join(parts).split(",")
        else:
            raise UserError(f"{where} is {told_value(value)}; it must be {self.noun}")
        if self.separator == os.pathsep:  # file names may begin or end with a space
            return tuple(part for part in parts if part)
        return tuple(part.strip() for part in parts if part.strip())


def _is_finite(value: float) -> bool:
    """Tell whether a number can be counted with: whole numbers may be too large for that, too."""
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def setting(default: T, compare: bool = True, **declared: Any) -> T:
    """Declare a field of a settings dataclass.

    Args:
        default: the field's default.
        compare: whether two settings differ that differ in this field.
        declared: the attributes of ``Setting``.
    """
    told = Setting(default=default, **declared)
    limits = {"minimum": told.low, "maximum": told.high, "exclusiveMinimum": told.above}
    schema: dict[str, Any] = {name: limit for name, limit in limits.items() if limit is not None}
    if told.choices:
        schema["enum"] = list(told.choices)
    # Pydantic reads the last two, so that the JSON schema, and LangGraph Studio's form made of it, tells them.
    description = f"{told.help[:1].upper()}{told.help[1:]}. {told.details}".strip()
    metadata = {"setting": told, "description": description, "json_schema_extra": schema}
    return field(default=default, metadata=metadata, compare=compare)


def same_setting(owner: type, name: str) -> Any:
    """Declare a field as another settings dataclass declares the one of that name."""
    (found,) = (one for one in fields(owner) if one.name == name)
    return field(default=found.default, metadata=found.metadata)


@cache
def declared_settings(owner: type) -> Mapping[str, Setting]:
    """Return the declarations of a settings dataclass by field name, in the order of its fields."""
    hints = get_type_hints(owner)
    return {
        one.name: replace(one.metadata["setting"], name=one.name, kind=_kind(hints[one.name])) for one in fields(owner)
    }


def check_settings(settings: Any) -> None:
    """Refuse values outside what their fields declare.

    Raises:
        UserError: naming the value, what is valid, and the flag that sets it.
    """
    owner: type = type(settings)
    for name, declared in declared_settings(owner).items():
        declared.check(getattr(settings, name))


def _kind(hint: Any) -> type:
    """Return the type behind an annotation: ``int`` of ``int | None``, ``str`` of a literal, ``tuple`` of one."""
    if get_origin(hint) in (Union, types.UnionType):
        return _kind(next(part for part in get_args(hint) if part is not types.NoneType))
    if get_origin(hint) is Literal:
        return str
    if get_origin(hint) is tuple:
        return tuple
    return hint if isinstance(hint, type) else object
