"""From the settings that are asked for to those of a run: what was left open comes from a profile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from imagerag.chat_models.providers import is_remote
from imagerag.credentials import without_credentials
from imagerag.declaration import setting
from imagerag.errors import UserError
from imagerag.generators.base import ImageKind
from imagerag.generators.registry import fitting_profile, image_kind
from imagerag.profiles.choosing import Chosen, choose, keys_of_vlms
from imagerag.profiles.loading import (
    DEFAULT,
    SAME_AS_VLM,
    SET_BY_PROFILE,
    Parts,
    Profile,
    find_profile,
    load_profiles,
    read_profiles,
)
from imagerag.profiles.refusal import is_insisted_on, refusal
from imagerag.profiles.soundness import BUNDLED, EMBEDDED_CRITICS, EMBEDDED_MODEL, Unsound, unsound_parts
from imagerag.remote_models import ending
from imagerag.settings import Settings

BUILT_IN: Mapping[str, Any] = {
    "max_steps": 24,
    "max_generations": 5,
    "max_seconds": 120.0,
    "max_loading_seconds": 600.0,
}
"""Limits where a profile of the person's own says nothing."""


@dataclass(frozen=True)
class Given:
    """Parts that a program hands to the graph, which no setting names then.

    Attributes:
        parts: their settings' names: ``generator``, ``critic``, ``library`` (an index).
        makes: the kind of the generator's images; ``None`` where it doesn't say.
        profile: the profile that fits it, where it says.
        name: the generator's name.
    """

    parts: frozenset[str] = frozenset()
    makes: ImageKind | None = None
    profile: str | None = None
    name: str = ""

    @classmethod
    def of(cls, generator: Any = None, critic: Any = None, index: Any = None) -> Given:
        """Describe the parts; a generator says its kind and profile in attributes ``makes`` and ``profile``."""
        pairs = (("generator", generator), ("critic", critic), ("library", index))
        parts = frozenset(name for name, part in pairs if part is not None)
        if generator is None:
            return cls(parts)
        name = str(getattr(generator, "name", ""))
        makes = getattr(generator, "makes", None) or image_kind(name)
        return cls(parts, makes, getattr(generator, "profile", None), name)


NOTHING_GIVEN = Given()


@dataclass(frozen=True)
class RunSettings(Settings):
    """The settings of a run, with nothing left open."""

    if TYPE_CHECKING:
        profile: str = ""
        generator: str = ""
        vlm: str = ""
        critic: str = ""
        lookup_model: str = ""
        library: tuple[str, ...] = ()
        max_steps: int = 0
        max_generations: int = 0
        max_seconds: float = 0.0
        max_loading_seconds: float = 0.0

    makes: ImageKind = setting("any", help="what the generator's images look like", program_only=True)
    wording: ImageKind = setting("any", help="kind of pictures that look-up captions are worded for", program_only=True)
    notes: tuple[str, ...] = setting((), help="what the person should be told as the run begins", program_only=True)
    chosen: str = setting("", help="what was chosen and why not the next better one", program_only=True)

    def names(self, setting_name: str) -> bool:
        """Tell whether somebody asked for that value, and no profile or default gave it."""
        return not dict(self.origins).get(setting_name, "").startswith(("profile", "default"))

    @cached_property
    def clip_critic(self) -> str:
        """The critic that needs no VLM: it judges by the CLIP model that looks things up."""
        return clip_critic_of(self.lookup_models)


def clip_critic_of(lookup_models: tuple[str, ...]) -> str:
    """Return the name of the critic that judges by the first of these CLIP models."""
    first = lookup_models[0]
    return "clip" if first == EMBEDDED_MODEL else f"clip:{first}"


def resolve(asked: Settings, thread: str | None = None, given: Given = NOTHING_GIVEN) -> RunSettings:
    """Return the settings of a run.

    Precedence, for each value: as asked for (flag, variable, settings file), the thread's own profile, the profile
    named or the one that fits the generator named, the default.

    Args:
        asked: what the person or program gave.
        thread: the profile of the thread's earlier turns, if there are any.
        given: parts that a program hands to the graph.

    Raises:
        UserError: no such profile; it can't be used here; or parts don't go together and nobody named them.
    """
    if isinstance(asked, RunSettings):
        return asked
    filled, problems, profile, notes = _filled(asked, thread, given)
    refused = [problem for problem in problems if not is_insisted_on(problem, asked)]
    drawn_by = given.name if "generator" in given.parts else filled.generator
    if refused:
        fitting, lookup_model = _fitting(asked, given, profile)

        def is_sound(changed: Settings) -> bool:
            try:
                _, again, _, _ = _filled(changed, thread, given)
            except UserError:
                return False
            return all(is_insisted_on(problem, changed) for problem in again)

        raise UserError(refusal(refused, asked, drawn_by, profile, fitting, lookup_model, is_sound))
    told = dict(asked.origins)
    if problems:
        used = [
            f"{one.part} {one.value!r} {one.why} (used since {told.get(one.part, 'the program')} names it)"
            for one in problems
        ]
        notes.append(f"generator {drawn_by!r} draws photographs, but {', and '.join(used)}")
    named = dict.fromkeys(getattr(filled, part) for part in ("generator", "vlm", "critic") if part not in given.parts)
    notes += filter(None, map(ending, named))
    return replace(filled, notes=tuple(map(without_credentials, notes)))


def _filled(asked: Settings, thread: str | None, given: Given) -> tuple[RunSettings, list[Unsound], Profile, list[str]]:
    """Return the settings with nothing left open, the parts of them that don't go together, the profile, and notes.

    Raises:
        UserError: no such profile, or it can't be used here.
    """
    profile, notes = choose_profile(asked, thread, given)
    notes += read_profiles().refused.values()
    drawn_by = asked.generator or (given.name if "generator" in given.parts else None)
    chosen = choose(profile, drawn_by, asked.vlm, asked.device_settings)
    values = values_of(asked, profile, chosen)
    asked_values = {one.name: getattr(asked, one.name) for one in fields(asked)}
    told = {"profile": _origin_of_profile(asked, profile, thread, drawn_by)}
    origins = tuple({**dict(asked.origins), **_origins(asked, values, profile, chosen), **told}.items())
    makes = given.makes if "generator" in given.parts else image_kind(values["generator"])
    if makes is None:
        makes = profile.makes
        notes += _unknown_kind(given, profile)
    filled = RunSettings(
        **{
            **asked_values,
            **values,
            "profile": profile.name,
            "memory": asked.memory if chosen.memory is None or asked.memory != "auto" else chosen.memory,
            "origins": origins,
            "makes": makes,
            "wording": profile.makes,
            "chosen": _told(drawn_by, asked.vlm, profile, chosen, values),
        }
    )
    notes += _replaced(asked, filled, given)
    critic = "" if "critic" in given.parts else filled.critic
    library = () if "library" in given.parts else filled.library
    problems = unsound_parts(makes, critic, library, filled.lookup_models, filled.rerank)
    return filled, problems, profile, notes


def _told(generator: str | None, vlm: str | None, profile: Profile, chosen: Chosen, values: Mapping[str, Any]) -> str:
    """Return in one sentence what a ranking chose, or which keys would add a VLM; nothing where those are named."""
    if chosen.choice is None:
        return ""
    if profile.ranking and generator is None:
        decides = values["vlm"].removeprefix("transformers:")
        better = f"; better ones: {'; '.join(chosen.lacking)}" if chosen.lacking else ""
        return f"profile {profile.name!r} draws with {values['generator']}, driven by {decides}: {chosen.why}{better}"
    if (keys := keys_of_vlms(profile)) and vlm is None and values["vlm"] == "rules":
        return (
            f"profile {profile.name!r} has no key of a VLM, so rules decide and {values['critic']!r} judges; "
            f"any of these adds one: {', '.join(keys)}"
        )
    return ""


def _origin_of_profile(asked: Settings, profile: Profile, thread: str | None, drawn_by: str | None) -> str:
    """Return in words where the profile comes from, which need not be the one that was named."""
    if asked.profile == profile.name:
        return dict(asked.origins).get("profile", "the program")
    if thread == profile.name:
        return "the thread"
    return "default" if drawn_by is None else "it fits the generator"


def _replaced(asked: Settings, filled: RunSettings, given: Given) -> list[str]:
    """Return what to tell of parts that were named and do nothing, or not what their name says."""
    notes = []
    if filled.makes == "pictograms" and find_profile(filled.profile).makes == "photographs":
        drawn_by = given.name if "generator" in given.parts else filled.generator
        notes.append(
            f"generator {drawn_by!r} draws pictograms, and the other parts are those of profile {filled.profile!r}, "
            f"made for photographs; profile {DEFAULT!r} fits it"
        )
    if asked.critic == SAME_AS_VLM and filled.critic != filled.vlm and "critic" not in given.parts:
        notes.append(
            f"critic {SAME_AS_VLM!r} is the model that decides, and {filled.vlm!r} is none that sees; "
            f"{filled.critic!r} judges"
        )
    unused = filled.library == (BUNDLED,) and filled.critic in EMBEDDED_CRITICS and filled.rerank != "subject"
    if asked.lookup_model not in (None, EMBEDDED_MODEL) and unused and not {"critic", "library"} & given.parts:
        notes.append(
            f"lookup_model {asked.lookup_model!r} is of no use: it searches your own pictures, and library "
            f"{BUNDLED!r} alone is searched"
        )
    return notes


def _fitting(asked: Settings, given: Given, profile: Profile) -> tuple[Profile, str]:
    """Return the profile that fits the generator, and the CLIP model that it looks things up with."""
    if "generator" in given.parts:
        fitting = find_profile(given.profile or "local")
    else:
        fitting = find_profile(fitting_profile(asked.generator)) if asked.generator else profile
    first = fitting.choices[0] if fitting.choices else fitting
    return fitting, fitting.lookup_model or first.lookup_model or EMBEDDED_MODEL


def resolve_lookup(asked: Settings) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the libraries and the CLIP models of a look-up outside a run, whatever of the profile can't be used here.

    Raises:
        UserError: no such profile.
    """
    profile, _ = choose_profile(asked, None, NOTHING_GIVEN)
    first = profile.choices[0] if profile.choices else profile
    library = asked.library or profile.library or first.library
    model = asked.lookup_model or profile.lookup_model or first.lookup_model
    assert library is not None
    assert model is not None
    return library, replace(asked, lookup_model=model).lookup_models


def resolve_lookup_floor(asked: Settings) -> float | None:
    """Return the look-up floor outside a run, as a run would have it; ``None`` for the one that is calibrated.

    Raises:
        UserError: no such profile.
    """
    profile, _ = choose_profile(asked, None, NOTHING_GIVEN)
    sources: tuple[Settings | Parts, ...] = (asked, *profile.choices[:1], profile)
    return next((one.lookup_floor for one in sources if one.lookup_floor is not None), None)


def choose_profile(asked: Settings, thread: str | None, given: Given) -> tuple[Profile, list[str]]:
    """Return the profile that fills in what was left open, and what to tell about it.

    Raises:
        UserError: no such profile.
    """
    notes: list[str] = []
    named = find_profile(asked.profile) if asked.profile is not None else None
    if asked.generator is not None:
        fitting, drawn_by = fitting_profile(asked.generator), asked.generator
        makes = image_kind(asked.generator)
    else:
        makes, drawn_by = given.makes, given.name
        fitting = given.profile or (DEFAULT if makes in (None, "pictograms") else "local")
    if thread is not None and thread not in load_profiles():
        notes.append(f"the profile {thread!r} of this thread's earlier turns is no longer there")
        thread = None
    if thread is not None:
        own = find_profile(thread)
        if own.makes == "pictograms" and makes in ("photographs", "any"):
            instead = named if named is not None and named.makes != "pictograms" else find_profile(fitting)
            notes.append(
                f"generator {drawn_by!r} does not go with profile {thread!r} of this thread's earlier turns; "
                f"the other parts are those of {instead.name!r}"
            )
            return instead, notes
        if named is not None and named.name != thread:
            notes.append(
                f"this thread goes on with its own profile {thread!r}, not {named.name!r}; "
                "begin another thread for that, or name single parts"
            )
        return own, notes
    return named or find_profile(fitting), notes


def values_of(asked: Settings, profile: Profile, chosen: Chosen) -> dict[str, Any]:
    """Return the value of each setting that a profile may set."""
    values: dict[str, Any] = {}
    for name in SET_BY_PROFILE:
        source = _source(name, asked, profile, chosen)
        values[name] = BUILT_IN.get(name) if source is None else getattr(source, name)
    if values["critic"] == SAME_AS_VLM:
        models = tuple(part.strip() for part in values["lookup_model"].split(","))
        sees = is_remote(values["vlm"]) and not asked.vlm_text_only
        values["critic"] = values["vlm"] if sees else clip_critic_of(models)
    return values


SAME_THING = {"size": "aspect", "aspect": "size"}
"""Settings that say one thing in two ways: whoever gives one has given the other."""


def _source(name: str, asked: Settings, profile: Profile, chosen: Chosen) -> Settings | Parts | None:
    """Return what gives a setting; ``None`` where nothing does."""
    for source in (asked, chosen.choice, profile):
        if source is not None and getattr(source, name) is not None:
            return source
        if source is not None and name in SAME_THING and getattr(source, SAME_THING[name]) is not None:
            return None
    return None


def _origins(asked: Settings, values: Mapping[str, Any], profile: Profile, chosen: Chosen) -> dict[str, str]:
    """Return in words where each value that a profile may set comes from."""
    told = dict(asked.origins)
    origins = {}
    for name in SET_BY_PROFILE:
        source = _source(name, asked, profile, chosen)
        if source is asked:
            origins[name] = told.get(name, "the program")
            if values[name] != getattr(asked, name):  # critic "vlm" where none decides
                origins[name] += f" ({getattr(asked, name)})"
        elif source is None:
            origins[name] = "default"
        else:
            origins[name] = f"profile {profile.name!r}" + (f": {chosen.why}" if source is chosen.choice else "")
    if chosen.memory is not None and asked.memory == "auto":
        origins["memory"] = f"profile {profile.name!r}: {chosen.why}"
    return origins


def _unknown_kind(given: Given, profile: Profile) -> list[str]:
    """Return the note on a program's own generator that doesn't say what it makes, where that matters."""
    if profile.makes != "pictograms" or {"critic", "library"} <= given.parts:
        return []
    return [
        f"the generator {given.name!r} does not say what its images look like (an attribute makes: pictograms, "
        "photographs or any), so it is judged and looked up for as pictograms; a profile named in the settings changes "
        "that"
    ]
