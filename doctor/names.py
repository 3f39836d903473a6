"""Which names of a run's parts are wrong, each told once; no part is loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from imagerag.doctor.finding import Finding, of_error
from imagerag.profiles.names import wrong_parts
from imagerag.profiles.resolve import RunSettings
from imagerag.profiles.soundness import EMBEDDED_MODEL

WITHOUT: dict[str, Any] = {
    "vlm": "rules",
    "critic": "clip",
    "lookup_model": EMBEDDED_MODEL,
    "rerank": "none",
    "lora": (),
    "mcp_server": (),
}
"""What stands for a part that is wrong while the others are checked; it lacks nothing."""


def check_names(settings: RunSettings) -> tuple[list[Finding], RunSettings]:
    """Return one finding for each wrong name, by its setting, and the settings without those parts."""
    wrong = wrong_parts(settings)
    without = {part: other for part, other in WITHOUT.items() if part in wrong}
    if "mcp_server" in wrong:
        without["mcp_allow"] = ()
    if "critic" in wrong or (settings.critic == settings.vlm and "vlm" in wrong):
        without["critic"] = WITHOUT["critic"]
    if settings.critic.partition(":")[2] in settings.lookup_models and "lookup_model" in wrong:
        without["critic"] = WITHOUT["critic"]
    return [of_error(part, error) for part, error in wrong.items()], replace(settings, **without)
