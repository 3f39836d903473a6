"""About how many bytes a run's models will download, told by the presets and the profile before anything is asked."""

from __future__ import annotations

from imagerag.agent.names import CLIP_OF
from imagerag.generators.diffusion.known import known_preset
from imagerag.generators.diffusion.preset_files import SINGLE, parts_of
from imagerag.model_files import ModelFiles, snapshot
from imagerag.profiles.loading import Profile, find_profile
from imagerag.profiles.ranking import LOCAL
from imagerag.profiles.resolve import NOTHING_GIVEN, RunSettings, choose_profile, resolve_lookup
from imagerag.settings import Settings

HALF = 2
"""Bytes of a parameter as local chat models are published."""


def bytes_of_generator(settings: RunSettings) -> int:
    """Return what the run's generator still lacks here, 0 where nothing lacks or it isn't known."""
    if settings.generator.startswith("file:"):  # of which other parts than the file itself may be lacking
        return 0
    preset = known_preset(settings.generator)
    parts = [] if preset is None else list(parts_of(preset))
    return int(sum(1e9 * part.parameters * part.bytes_each for part in parts if not part.is_here))


def bytes_of_chat_model(settings: RunSettings, name: str) -> int:
    """Return what a local chat model still lacks here, 0 where nothing lacks or its profile doesn't know its size."""
    if not name.startswith(LOCAL):
        return 0
    folder = snapshot(name.removeprefix(LOCAL), None)
    if folder is not None and not ModelFiles(texts=True).lacking(folder):
        return 0
    profile = find_profile(settings.profile)
    sizes = {choice.vlm: choice.vlm_weights for choice in profile.choices} | {
        one.vlm: one.weights for one in profile.vlms
    }
    return int(1e9 * HALF * sizes.get(name, 0.0))


def bytes_of_lookup(settings: RunSettings) -> int:
    """Return the size of the CLIP model that looks things up, 0 where its profile doesn't know it.

    Of one that is here already nothing is downloaded, so that the number is told to nobody.
    """
    return _bytes_of_clip(find_profile(settings.profile), settings.lookup_models[0])


def bytes_of_critic(settings: RunSettings, name: str) -> int:
    """Return what a critic still lacks here, 0 where nothing lacks or its profile doesn't know its size."""
    if name.startswith(CLIP_OF):
        return _bytes_of_clip(find_profile(settings.profile), name.removeprefix(CLIP_OF))
    return bytes_of_chat_model(settings, name)


def bytes_outside_run(asked: Settings) -> int:
    """Return the size of the CLIP model that a look-up outside a run is made with, 0 where its profile doesn't know it.

    Raises:
        UserError: no such profile.
    """
    profile, _ = choose_profile(asked, None, NOTHING_GIVEN)
    return _bytes_of_clip(profile, resolve_lookup(asked)[1][0])


def _bytes_of_clip(profile: Profile, model: str) -> int:
    return int(1e9 * SINGLE * profile.lookup_weights) if model == profile.lookup_model else 0
