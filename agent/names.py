"""The names of drivers and critics that are no chat models, and which names can be such; LangChain is not imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from imagerag.chat_models.providers import EXAMPLES, is_remote
from imagerag.embedders.clip_names import check_clip_name
from imagerag.errors import UserError
from imagerag.plugins import installed

if TYPE_CHECKING:
    from imagerag.agent.protocols import Critic, ProgramDriver


def _rules() -> ProgramDriver:
    from imagerag.agent.rule_policy import RulePolicy

    return RulePolicy()


def _clip() -> Critic:
    from imagerag.agent.clip_critic import ClipCritic
    from imagerag.assets.library import bundled_library
    from imagerag.embedders.registry import embedded_clip
    from imagerag.embedders.window_evidence import Exemplars

    library, embedder = bundled_library(), embedded_clip()
    pictures = library.stored_embeddings(embedder.model_id)
    exemplars = None if pictures is None else Exemplars(pictures, [entry.concept for entry in library.entries])
    return ClipCritic(embedder, [concept.name for concept in library.concepts], exemplars)


PROGRAMS: dict[str, Callable[[], ProgramDriver]] = {"rules": _rules}
"""Drivers that are no chat models."""
CRITICS: dict[str, Callable[[], Critic]] = {"clip": _clip}
CLIP_OF = "clip:"
"""Begins the names of critics that judge by another CLIP model, as ``imagerag index add --model`` names it."""


def check_vlm_name(name: str) -> None:
    """Refuse what can't be the name of a driver, without loading one.

    Raises:
        UserError: the message lists those there are.
    """
    if name not in PROGRAMS and not is_remote(name) and name.partition(":")[0] not in installed("chat_models"):
        known = ", ".join([*PROGRAMS, *installed("chat_models")])
        raise UserError(f"vlm {name!r} is not known; give --vlm one of: {known}, or a model such as {EXAMPLES}")


def check_critic_name(name: str) -> None:
    """Refuse what can't be the name of a critic, without loading one.

    Raises:
        UserError: the message lists those there are.
    """
    if name.startswith(CLIP_OF):
        check_clip_name(name.removeprefix(CLIP_OF), f"critic {name!r}", "--critic", CLIP_OF)
    elif name not in CRITICS and not is_remote(name) and name not in installed("critics"):
        known = ", ".join([*CRITICS, f"{CLIP_OF}MODEL", *installed("critics")])
        raise UserError(f"critic {name!r} is not known; give --critic one of: {known}, or a model such as {EXAMPLES}")
