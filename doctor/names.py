"""Whether the names of a run's parts can be names of such parts; no part is loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from importlib.util import find_spec

from imagerag.chat_models.providers import EXAMPLES, KEYS, is_remote, package_of
from imagerag.doctor.finding import Finding, of_error
from imagerag.errors import UserError
from imagerag.generators.registry import check_loras, load_generator
from imagerag.plugins import installed
from imagerag.profiles.resolve import RunSettings
from imagerag.profiles.soundness import EMBEDDED_MODEL

WITHOUT = {"vlm": "rules", "critic": "clip", "lookup_model": EMBEDDED_MODEL}
"""What stands for a part whose name is wrong while the others are checked; it lacks nothing."""


def check_names(settings: RunSettings) -> tuple[list[Finding], RunSettings]:
    """Return one finding for each wrong name, by its setting, and the settings without those parts."""
    from imagerag.agent.registry import check_critic_name, check_vlm_name  # LangChain takes a while
    from imagerag.embedders.clip_names import check_clip_name

    checks: list[tuple[str, Callable[[], object]]] = [
        ("vlm", partial(check_vlm_name, settings.vlm)),
        ("vlm", partial(_check_provider, "vlm", settings.vlm)),
        ("critic", partial(check_critic_name, settings.critic)),
        ("critic", partial(_check_provider, "critic", settings.critic)),
        *(
            ("lookup_model", partial(check_clip_name, model, f"lookup_model {model!r}"))
            for model in settings.lookup_models
        ),
    ]
    if settings.generator.startswith("comfyui:"):
        checks.append(("generator", partial(load_generator, settings.generator)))
    if settings.generator.startswith("file:"):
        checks.append(("generator", partial(_check_file, settings.generator.removeprefix("file:"))))
    if settings.lora:
        checks.append(("lora", partial(check_loras, settings.generator, settings.lora)))
    wrong = dict(_failed(checks))
    if "vlm" in wrong and settings.critic == settings.vlm:
        wrong.pop("critic", None)
    own = {part: other for part, other in WITHOUT.items() if part in wrong}
    if "critic" in wrong and settings.critic.partition(":")[2] in settings.lookup_models and "lookup_model" in wrong:
        del wrong["critic"]  # it follows the look-up model, whose name is what was given
    return list(wrong.values()), replace(settings, **own)  # type: ignore[arg-type]


def _failed(checks: list[tuple[str, Callable[[], object]]]) -> Iterator[tuple[str, Finding]]:
    for part, check in checks:
        try:
            check()
        except UserError as error:
            yield part, of_error(part, error)


def _check_file(name: str) -> None:
    """Read the header of a checkpoint in one file.

    Raises:
        UserError: it can't be read, or its family is not known.
    """
    from imagerag.generators.diffusion.single_file import preset_of_file

    preset_of_file(name)


def _check_provider(role: str, name: str) -> None:
    """Refuse a chat model of a provider that LangChain doesn't know and no package here is of.

    Raises:
        UserError: with examples.
    """
    provider = name.partition(":")[0]
    if not is_remote(name) or provider in (*KEYS, "ollama", "transformers", "replay", *installed("chat_models")):
        return
    if find_spec(package_of(provider).replace("-", "_")) is not None or find_spec("langchain") is None:
        return
    from langchain.chat_models.base import _BUILTIN_PROVIDERS

    if provider not in _BUILTIN_PROVIDERS:
        raise UserError(f"{role} {name!r}: provider {provider!r} is not known; give --{role} a name such as {EXAMPLES}")
