"""What is checked: the settings that a run would have, also where it would be refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from imagerag.doctor.finding import Finding, ok, warning, wrong
from imagerag.doctor.packages import install_command
from imagerag.errors import UserError
from imagerag.profiles.choosing import UNSET, Chosen, choose, keys_of_vlms
from imagerag.profiles.loading import Profile
from imagerag.profiles.ranking import NO_4BIT, NO_GPU, NOT_HERE
from imagerag.profiles.resolve import NOTHING_GIVEN, RunSettings, choose_profile, resolve, values_of
from imagerag.settings import Settings
from imagerag.shell_words import WINDOWS

INTENDED = "none is needed where it is meant so; other parts: imagerag profiles"
"""What mends a note on the parts, which tells what a run does with what was asked for."""

SEE = ", or see: imagerag doctor"
"""What an error of a profile ends with, which is of no use to who has just called it."""


def plan(asked: Settings, thread: str | None = None) -> tuple[RunSettings | None, list[Finding]]:
    """Return the settings of a run and what there is to say of its profile.

    Where a run would be refused, the parts are those that it would have after all was mended: of the profile's choices
    the one that is possible here, or else the first.

    Args:
        asked: as a run would be given them.
        thread: the profile of the earlier turns of its thread, if there are any.

    Returns:
        The settings; ``None`` where not even the profile can be read.
    """
    try:
        settings = resolve(asked, thread)
    except UserError as error:
        return _refused(asked, thread, error)
    told = f"{settings.profile!r}: {settings.generator}, driven by {settings.vlm}, judged by {settings.critic}"
    findings = [ok("profile", f"{told}, looks up in {', '.join(settings.library)} with {settings.lookup_model}")]
    findings += [warning("profile", note, INTENDED) for note in settings.notes]
    profile, _ = choose_profile(asked, thread, NOTHING_GIVEN)
    if settings.chosen and (keys := keys_of_vlms(profile)):
        findings.append(warning("profile", settings.chosen, _setting(keys[0])))
    chosen = choose(profile, asked.generator, asked.vlm, asked.device_settings)
    if chosen.lacking and asked.generator is None and asked.vlm is None:
        lacking = "; ".join(dict.fromkeys(chosen.lacking))
        mend = _better(chosen.lacking)
        findings.append(warning("profile", f"better parts are not used here: {lacking}", mend))
    return settings, findings


def _better(lacking: Sequence[str]) -> str:
    """Return what makes better parts possible, by what the choices lack."""
    keys = [text.removesuffix(UNSET) for text in lacking if text.endswith(UNSET)]
    ways = [_setting(keys[0])] if keys else []
    not_here = [text.partition(" ")[0] for text in lacking if text.endswith(NOT_HERE)]
    ways += [f"get its weights: imagerag doctor --generator {name}" for name in not_here if "/" not in name][:1]
    if any(text.startswith(NO_GPU) for text in lacking):
        ways.append("use a machine with a GPU, or a provider's models: --profile cloud")
    elif len(keys) + len(not_here) < len(lacking):
        ways.append("free memory of the device, or use a larger one")
        if any(text.endswith(NO_4BIT) for text in lacking):
            ways.append(install_command("bitsandbytes", "diffusion"))
    return ", or ".join(ways)


def _setting(key: str) -> str:
    return f"{'set' if WINDOWS else 'export'} {key}=YOUR_KEY"


def _refused(asked: Settings, thread: str | None, error: UserError) -> tuple[RunSettings | None, list[Finding]]:
    text, _, mend = " ".join(str(error).split()).partition("; ")
    found = wrong("profile", text, mend.partition(SEE)[0] or "as it says")
    try:
        profile, _ = choose_profile(asked, thread, NOTHING_GIVEN)
    except UserError:
        return None, [found]
    return settings_with(asked, profile, _choice(asked, profile)), [found]


def settings_with(asked: Settings, profile: Profile, chosen: Chosen) -> RunSettings | None:
    """Return the settings of a run with a choice of a profile's, possible or not; ``None`` where nothing draws."""
    values = values_of(asked, profile, chosen)
    if values["generator"] is None:
        return None
    given = {one.name: getattr(asked, one.name) for one in fields(asked)}
    return RunSettings(**{**given, **values, "profile": profile.name})


def _choice(asked: Settings, profile: Profile) -> Chosen:
    try:
        return choose(profile, asked.generator, asked.vlm, asked.device_settings)
    except UserError:
        return Chosen(profile.choices[0])
