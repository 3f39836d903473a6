"""What drives, judges and words, loaded by the names that ``--vlm`` and ``--critic`` take; see ``agent/names.py``."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from langchain_core.language_models import BaseChatModel

from imagerag.agent.names import CLIP_OF, CRITICS, PROGRAMS, check_critic_name, check_vlm_name
from imagerag.agent.prompt_reading import PromptReader
from imagerag.agent.protocols import Critic, Driver, Reranker, Writer
from imagerag.chat_models.capabilities import takes_images
from imagerag.chat_models.images import TAG
from imagerag.chat_models.providers import EXAMPLES, check_local_name, connect, is_remote, runs_here
from imagerag.chat_models.recording import Role
from imagerag.chat_models.replay import PREFIX, ReplayModel, is_replay, open_recording
from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError
from imagerag.generators.base import ImageKind
from imagerag.plugins import installed, make

if TYPE_CHECKING:
    from imagerag.agent.reference_reader import ReferenceReader
    from imagerag.embedders.clip import Embedder


def _clip_of(model: str, settings: DeviceSettings | None) -> Critic:
    from imagerag.agent.clip_critic import ClipCritic
    from imagerag.embedders.registry import clip_model
    from imagerag.index.captions import common_names
    from imagerag.index.null_calibration import null_calibration

    embedder = clip_model(model, settings)
    return ClipCritic(embedder, common_names(), None, lambda: null_calibration(embedder), f"{CLIP_OF}{model}")


def check_names(vlm: str, critic: str, settings: DeviceSettings) -> None:
    """Refuse an unknown driver or critic; those that a name alone tells of are not loaded for that.

    Nor is a chat model that runs here: it may have to be downloaded, which a run tells the progress of, and limits.

    Raises:
        UserError: naming the one and those there are.
    """
    for name in filter(runs_here, dict.fromkeys((vlm, critic))):
        check_local_name(name)
    if vlm not in PROGRAMS and not runs_here(vlm):
        load_chat_model(vlm, settings=settings)
    check_critic_name(critic)
    if critic not in CRITICS and not critic.startswith(CLIP_OF) and not runs_here(critic):
        load_critic(critic, settings)


def load_driver(name: str, settings: DeviceSettings | None = None) -> Driver:
    """Return what decides under that name: a program, or the chat model.

    Raises:
        UserError: there is neither.
    """
    return PROGRAMS[name]() if name in PROGRAMS else load_chat_model(name, settings=settings)


@lru_cache(maxsize=4)
def load_chat_model(name: str, role: Role = "driver", settings: DeviceSettings | None = None) -> BaseChatModel:
    """Return the chat model of that name; of a recording, the one that answered in that role.

    ``settings`` say where and how a model that runs here is held.

    Raises:
        UserError: no such model; the message lists those there are.
    """
    if is_replay(name):
        return ReplayModel(file=name.removeprefix(PREFIX), role=role)
    prefix, _, rest = name.partition(":")
    if prefix in installed("chat_models"):
        made: BaseChatModel = make("chat_models", prefix, rest, settings or DeviceSettings())
        made.metadata = {**(made.metadata or {}), TAG: name}
        return made
    if is_remote(name):
        return connect(name, settings)
    check_vlm_name(name)
    raise UserError(f"vlm {name!r} is no chat model; name a model such as {EXAMPLES}")


@lru_cache(maxsize=4)
def load_critic(name: str, settings: DeviceSettings | None = None, stand_in: str = "clip") -> Critic:
    """Return the critic of that name, loaded once per process.

    ``stand_in`` names the critic that decides where a chat model gives no verdict.

    Raises:
        UserError: no such critic; the message lists those there are.
    """
    if name.startswith(CLIP_OF):
        return _clip_of(name.removeprefix(CLIP_OF), settings)
    if is_remote(name):
        from imagerag.agent.vlm_critic import VlmCritic

        model = load_chat_model(name, "critic", settings)
        if not takes_images(model):
            raise UserError(
                f"critic {name!r} takes no images, so it can't judge; leave --critic out, then CLIP judges, or name a "
                "model that takes images"
            )
        known_as = str((model.metadata or {}).get(TAG, name))
        return VlmCritic(known_as, model, lambda: load_critic(stand_in, settings))
    if name in CRITICS:
        return CRITICS[name]()
    if name in installed("critics"):
        critic: Critic = make("critics", name, settings or DeviceSettings())
        return critic
    check_critic_name(name)
    raise AssertionError(name)  # each that passes the check is made above


def prompt_reader(keeps_unread: bool = False) -> PromptReader:
    """Return what reads requests in other languages and emoji, by the names of the bundled library."""
    from imagerag.assets.english_words import english_words
    from imagerag.assets.language_names import language_names
    from imagerag.assets.library import bundled_library
    from imagerag.assets.nouns import concrete_nouns

    return PromptReader(lambda: bundled_library().words, language_names, english_words, concrete_nouns, keeps_unread)


@lru_cache(maxsize=4)
def load_writer(vlm: str = "rules", settings: DeviceSettings | None = None, kind: ImageKind = "pictograms") -> Writer:
    """Return the writer that goes with that chat model: the model itself, or the embedded, rule-based one.

    ``kind`` is that of the pictures which its captions are to find.

    Raises:
        UserError: no such model.
    """
    from imagerag.agent.rule_writer import RuleWriter
    from imagerag.assets.library import bundled_library

    reader = prompt_reader(keeps_unread=kind != "pictograms")
    rules = RuleWriter(lambda: {concept.name for concept in bundled_library().concepts}, kind, reader)
    if not is_remote(vlm):
        return rules
    from imagerag.agent.vlm_writer import VlmWriter

    if is_replay(vlm) and not open_recording(vlm.removeprefix(PREFIX)).has("writer"):
        return rules
    return VlmWriter(load_chat_model(vlm, "writer", settings), rules, kind)


def load_reranker(
    name: str, vlm: str, critic: str, embedder: Callable[[], Embedder], settings: DeviceSettings | None = None
) -> Reranker | None:
    """Return what puts references in a better order: ``none``, ``vlm`` (the model that judges or decides), ``subject``.

    ``embedder`` gives the CLIP model by which ``subject`` compares pictures, when it is first needed.

    Raises:
        UserError: no model that takes images is named.
    """
    if name == "none":
        return None
    if name == "subject":
        from imagerag.agent.rerankers import SubjectReranker

        return SubjectReranker(embedder)
    from imagerag.agent.rerankers import VlmReranker

    return VlmReranker(_seeing_model("rerank", vlm, critic, settings))


def load_reference_reader(vlm: str, critic: str, settings: DeviceSettings | None = None) -> ReferenceReader:
    """Return what tells where in a reference a concept is, and what it looks like: the model that judges or decides.

    Raises:
        UserError: no model that takes images is named.
    """
    from imagerag.agent.reference_reader import ReferenceReader

    return ReferenceReader(_seeing_model("isolation_by", vlm, critic, settings))


def _seeing_model(what: str, vlm: str, critic: str, settings: DeviceSettings | None) -> BaseChatModel:
    """Return the model that judges, or else the one that decides, if it takes images.

    Raises:
        UserError: neither does; it names the setting that asks for one.
    """
    for model in (critic, vlm):
        if (
            is_remote(model)
            and not model.startswith(CLIP_OF)
            and takes_images(chat_model := load_chat_model(model, "reranker", settings))
        ):
            return chat_model
    raise UserError(
        f"{what} 'vlm' needs a model that takes images; name one with --vlm or --critic, such as {EXAMPLES}"
    )
