"""What each profile sets, as data: ``profiles.toml`` beside this file, and a file of the person's own."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from imagerag.device_settings import Memory
from imagerag.errors import UserError
from imagerag.generators.base import ImageKind
from imagerag.settings import Settings
from imagerag.table_faults import fault_in, meant, ring_of
from imagerag.told_text import told_value
from imagerag.toml_files import read_toml

PROFILES = "IMAGERAG_PROFILES"
"""The variable that names a person's own file."""

DEFAULT = "pictograms"
"""The profile of a run that names neither a profile nor a generator."""

SAME_AS_VLM = "vlm"
"""As ``critic``: the model that decides; where none does, the CLIP model that looks things up."""


class Parts(BaseModel):
    """Settings that a profile, or one of its choices, may set; ``None`` where it doesn't."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    generator: str | None = None
    vlm: str | None = None
    critic: str | None = None
    lookup_model: str | None = None
    library: tuple[str, ...] | None = None
    facts: tuple[str, ...] | None = None
    lookup_floor: float | None = None
    image_size: int | None = None
    size: str | None = None
    aspect: str | None = None
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
    vlm_weights: float = Field(default=0.0, ge=0)


class Ranked(BaseModel):
    """A generator that runs on this machine, at its place in a profile's ranking.

    Attributes:
        generator: its name, a preset's.
        if_here: taken only where its weights are here already: whoever has them has accepted their licence.
        memory: the modes in which it is worth running; see ``--memory``.
        vlms: the local VLMs that it is worth running beside; all of the profile's if empty.
        why: it stands at this place, in words.
        source: addresses where that was looked up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    generator: str
    if_here: bool = False
    memory: tuple[Memory, ...] = ("full", "offload", "4bit")
    vlms: tuple[str, ...] = ()
    why: str = ""
    source: tuple[str, ...] = ()


class RankedVlm(BaseModel):
    """A VLM that runs on this machine beside a generator.

    Attributes:
        vlm: its name, as ``--vlm`` takes it.
        weights: its parameters, in billions.
        unquantised: those of them that stay as they are in 4 bits, in billions: the word embeddings.
        memory: the modes that this row is about.
        why, source: as of ``Ranked``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    vlm: str
    weights: float = Field(ge=0)
    unquantised: float = Field(default=0.0, ge=0)
    memory: tuple[Memory, ...] = ("full", "offload")
    why: str = ""
    source: tuple[str, ...] = ()


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
        ranking: generators that run here, best first; with ``vlms`` it goes before the choices.
        vlms: VLMs that run here beside one of them, best first.
        choices: the first one that is possible adds its parts.
    """

    name: str
    file: str
    about: str = ""
    makes: ImageKind = "photographs"
    lookup_weights: float = Field(0.0, ge=0)
    vlm_by_key: dict[str, str] = Field({})
    ranking: tuple[Ranked, ...] = ()
    vlms: tuple[RankedVlm, ...] = ()
    choices: tuple[Choice, ...] = ()


KEYS = ("like", *(name for name in Profile.model_fields if name not in ("name", "file")))
"""What a table of a profile may have; its name and its file are not for it to say."""


class Loaded(NamedTuple):
    """What profiles there are.

    Attributes:
        profiles: by name.
        refused: why a table of the person's file is none, by its name; a profile of that name isn't there then.
    """

    profiles: dict[str, Profile]
    refused: dict[str, str]


def read_profiles(environ: Mapping[str, str] | None = None) -> Loaded:
    """Return all profiles, the person's own over those that come with imagerag, and which of the own are refused.

    Raises:
        UserError: the person's file can't be read at all.
    """
    environ = os.environ if environ is None else environ
    if not environ.get(PROFILES):
        return _bundled()
    own = _of_file(Path(environ[PROFILES]))
    bundled = {name: profile for name, profile in _bundled().profiles.items() if name not in own.refused}
    return Loaded({**bundled, **own.profiles}, own.refused)


def load_profiles(environ: Mapping[str, str] | None = None) -> dict[str, Profile]:
    """Return all profiles by name, without those that are refused; see ``read_profiles``."""
    return read_profiles(environ).profiles


def find_profile(name: str) -> Profile:
    """Return the profile of that name.

    Raises:
        UserError: there is none, and the message lists those there are; or it is refused, and the message says why.
    """
    profiles, refused = read_profiles()
    if name in refused:
        raise UserError(refused[name])
    if name not in profiles:
        raise UserError(f"profile {name!r} is not known; give --profile one of: {', '.join(profiles)}")
    return profiles[name]


@lru_cache(maxsize=1)
def _bundled() -> Loaded:
    file = Path(__file__).with_name("profiles.toml")
    return _profiles(tomllib.loads(file.read_text(encoding="utf-8")), {}, str(file))


def _of_file(file: Path) -> Loaded:
    try:
        tables = read_toml(os.path.expanduser(file))
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f"profiles file {str(file)!r} can't be read ({error}); mend it or unset {PROFILES}") from error
    known = {name: profile.model_dump(exclude_unset=True) for name, profile in _bundled().profiles.items()}
    return _profiles(tables, known, str(file))


def _profiles(tables: dict[str, Any], known: dict[str, dict[str, Any]], file: str) -> Loaded:
    """Return the profiles of a file; a table that is none is refused by itself."""
    found, before = Loaded({}, {}), frozenset(known)
    for name in tables:
        try:
            if ring := ring_of(name, tables, before):
                raise UserError(
                    f"profiles in {file!r} are like each other in a ring: {ring}; let one be like another profile"
                )
            found.profiles[name] = profile = _profile(name, tables, known, found.refused, file)
        except UserError as error:
            found.refused[name] = str(error)
            known.pop(name, None)
        else:
            known[name] = profile.model_dump(exclude_unset=True)
    return found


def _profile(
    name: str, tables: Mapping[str, Any], known: Mapping[str, dict[str, Any]], refused: Mapping[str, str], file: str
) -> Profile:
    """Return the profile that the table of that name makes.

    Raises:
        UserError: it makes none; naming the file, the table and the value.
    """
    table = tables[name]
    if not isinstance(table, dict):
        raise UserError(f"{name!r} in profiles file {file!r} is no table of a profile; see docs/profiles.md")
    table = dict(table)
    like = table.pop("like", None)
    if isinstance(like, str) and like in refused:
        raise UserError(f"profile {name!r} in {file!r} is like {like!r}, which is refused itself; mend that one first")
    if like is not None and (not isinstance(like, str) or like not in known):
        below = [one for one in tables if one != name]
        raise UserError(
            f"profile {name!r} in {file!r} is like {told_value(like)}, which "
            f"{'stands below it; move that one up' if like in below else 'is not known'}; known are: {', '.join(known)}"
        )
    if taken := next((key for key in table if key not in KEYS and key in Profile.model_fields), None):
        raise UserError(f"profile {name!r} in {file!r}: {taken!r} is no key ({meant(taken, KEYS)})")
    try:
        profile = Profile(**{**_inherited(known.get(like or "", {}), table), **table, "name": name, "file": file})
    except ValidationError as error:
        fault = fault_in(error, Profile, KEYS)
        raise UserError(f"profile {name!r} in {file!r}: {fault}; mend it, or take the table out") from error
    for parts in (profile, *profile.choices):
        _check_values(parts, profile)
    _check(profile)
    return profile


def _inherited(of_like: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a table takes over from the profile that it is like: all but what its own values stand in for."""
    inherited = dict(of_like)
    if "lookup_model" in table:
        inherited.pop("lookup_weights", None)
    if "choices" not in table and "choices" in inherited:
        inherited["choices"] = [_without(choice, table) for choice in inherited["choices"]]
    if "generator" in table or "choices" in table:
        inherited.pop("ranking", None)
    if "vlm" in table or "choices" in table:
        inherited.pop("vlms", None)
    for one, other in (("size", "aspect"), ("aspect", "size")):  # which say the same in two ways
        if one in table:
            inherited.pop(other, None)
    return inherited


def _check_values(parts: Parts, profile: Profile) -> None:
    """Refuse values that no setting of that name can have.

    Raises:
        UserError: as of the setting, with file and table before it.
    """
    given = {name: getattr(parts, name) for name in SET_BY_PROFILE if getattr(parts, name) is not None}
    try:
        Settings(**given)
    except UserError as error:
        raise UserError(f"profile {profile.name!r} in {profile.file!r}: {error}") from error


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
