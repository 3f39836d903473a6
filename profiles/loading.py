"""What each profile sets, as data: ``profiles.toml`` beside this file, and a file of the person's own."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from imagerag.errors import UserError
from imagerag.generators.base import ImageKind

PROFILES = "IMAGERAG_PROFILES"
"""The variable that names a person's own file."""

DEFAULT = "pictograms"
"""The profile of a run that names neither a profile nor a generator."""

SAME_AS_VLM = "vlm"
"""As ``critic``: the model that decides; where none does, the CLIP model that looks things up."""


class Parts(BaseModel):
    """Settings that a profile, or one of its choices, may set; ``None`` where it doesn't."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    generator: str | None = None
    vlm: str | None = None
    critic: str | None = None
    lookup_model: str | None = None
    library: tuple[str, ...] | None = None
    lookup_floor: float | None = None
    image_size: int | None = None
    max_steps: int | None = None
    max_generations: int | None = None
    max_seconds: float | None = None
    max_loading_seconds: float | None = None
    max_tokens: int | None = None
    max_money: float | None = None


SET_BY_PROFILE = tuple(Parts.model_fields)
"""The settings that a profile may set."""


class Choice(Parts):
    """Parts that are taken where they are possible.

    Attributes:
        keys: variables that have to be set.
        gpu: its models have to fit into a GPU's free memory beside each other.
        vlm_weights: parameters of its local VLM, in billions.
    """

    keys: tuple[str, ...] = ()
    gpu: bool = False
    vlm_weights: float = Field(0.0, ge=0)


class Profile(Parts):
    """One profile.

    Attributes:
        name: by which ``--profile`` finds it.
        file: the file that it comes from.
        about: one line.
        makes: what its images look like.
        lookup_weights: parameters of its CLIP model, in billions.
        vlm_by_key: models by the variable with their key: the first whose key is set decides where the choice that is
            taken leaves it to rules.
        choices: the first one that is possible adds its parts.
    """

    name: str
    file: str
    about: str = ""
    makes: ImageKind = "photographs"
    lookup_weights: float = Field(0.0, ge=0)
    vlm_by_key: dict[str, str] = Field({})
    choices: tuple[Choice, ...] = ()


def load_profiles(environ: Mapping[str, str] | None = None) -> dict[str, Profile]:
    """Return all profiles by name, the person's own over those that come with imagerag.

    Raises:
        UserError: the person's file can't be read, or says what no profile can; it names the file, table and value.
    """
    environ = os.environ if environ is None else environ
    return {**_bundled(), **(_of_file(Path(environ[PROFILES])) if environ.get(PROFILES) else {})}


def find_profile(name: str) -> Profile:
    """Return the profile of that name.

    Raises:
        UserError: there is none; the message lists those there are.
    """
    profiles = load_profiles()
    if name not in profiles:
        raise UserError(f"profile {name!r} is not known; give --profile one of: {', '.join(profiles)}")
    return profiles[name]


@lru_cache(maxsize=1)
def _bundled() -> dict[str, Profile]:
    file = Path(__file__).with_name("profiles.toml")
    return _profiles(tomllib.loads(file.read_text(encoding="utf-8")), {}, str(file))


def _of_file(file: Path) -> dict[str, Profile]:
    try:
        tables = tomllib.loads(Path(os.path.expanduser(file)).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"profiles file {str(file)!r} can't be read ({error}); mend it or unset {PROFILES}") from error
    known = {name: profile.model_dump(exclude_unset=True) for name, profile in _bundled().items()}
    return _profiles(tables, known, str(file))


def _profiles(tables: dict[str, Any], known: dict[str, dict[str, Any]], file: str) -> dict[str, Profile]:
    profiles: dict[str, Profile] = {}
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise UserError(f"{name!r} in profiles file {file!r} is no table of a profile; see docs/profiles.md")
        table = dict(table)
        like = table.pop("like", None)
        if like is not None and like not in known:
            raise UserError(
                f"profile {name!r} in {file!r} is like {like!r}, which is not known; known are: {', '.join(known)}"
            )
        inherited = dict(known.get(like, {}))
        if "lookup_model" in table:
            inherited.pop("lookup_weights", None)
        if "choices" not in table and "choices" in inherited:
            inherited["choices"] = [_without(choice, table) for choice in inherited["choices"]]
        try:
            profile = Profile(**{**inherited, **table, "name": name, "file": file})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the table"
            raise UserError(f"profile {name!r} in {file!r}: {where} {first.get('input')!r}: {first['msg']}") from error
        _check(profile)
        profiles[name] = profile
        known[name] = profile.model_dump(exclude_unset=True)
    return profiles


def _without(choice: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return an inherited choice without what the person's own table sets for all of them."""
    dropped = {*table, *(("vlm_weights",) if "vlm" in table else ())}
    return {name: value for name, value in choice.items() if name not in dropped}


def _check(profile: Profile) -> None:
    """Refuse a profile that leaves open what a run can't do without."""
    for part in ("generator", "vlm", "critic", "lookup_model", "library"):
        of_choices = profile.choices and all(getattr(choice, part) or part == "generator" for choice in profile.choices)
        if not getattr(profile, part) and not of_choices:
            raise UserError(
                f"profile {profile.name!r} in {profile.file!r} names no {part}; add {part} = ..., or begin with "
                f"like = {DEFAULT!r} or another profile"
            )
