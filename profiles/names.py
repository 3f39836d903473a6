"""Whether the names of a run's parts can be names of such parts; nothing is loaded but a recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

from imagerag.agent.names import check_critic_name, check_vlm_name
from imagerag.chat_models.providers import EXAMPLES, KEYS, is_remote, package_of
from imagerag.embedders.clip_names import check_clip_name
from imagerag.errors import UserError
from imagerag.generators.registry import check_generator, check_loras, load_generator
from imagerag.index.user_libraries import check_library_name, is_searched_by_mcp
from imagerag.plugins import Group, installed, load_plugin
from imagerag.profiles.resolve import RunSettings
from imagerag.settings import is_mcp_search
from imagerag.store.home import home_path


def wrong_parts(settings: RunSettings) -> dict[str, UserError]:
    """Return what is wrong with the parts of a run by their settings' names, each once.

    The one check of them: a run, a server and ``imagerag profiles show`` refuse the first, the doctor tells them all.
    """
    wrong: dict[str, UserError] = {}
    for part, check in _checks(settings):
        try:
            check()
        except UserError as error:
            wrong.setdefault(part, error)
    if "vlm" in wrong and settings.critic == settings.vlm:
        wrong.pop("critic", None)
    if "critic" in wrong and settings.critic.partition(":")[2] in settings.lookup_models and "lookup_model" in wrong:
        del wrong["critic"]  # it follows the look-up model, whose name is what was given
    return wrong


def check_parts(settings: RunSettings) -> None:
    """Refuse a run with a part that there isn't.

    Raises:
        UserError: naming the part and those there are.
    """
    for error in wrong_parts(settings).values():
        raise error


def _checks(settings: RunSettings) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "generator", partial(check_generator, settings.generator)
    if settings.generator.startswith("comfyui:"):
        yield "generator", partial(load_generator, settings.generator)
    if settings.generator.startswith("file:"):
        yield "generator", partial(_check_file, settings.generator.removeprefix("file:"))
    yield "lora", partial(check_loras, settings.generator, settings.lora)
    yield "vlm", partial(check_vlm_name, settings.vlm)
    yield "vlm", partial(_check_provider, "vlm", settings.vlm)
    yield "critic", partial(check_critic_name, settings.critic)
    yield "critic", partial(_check_provider, "critic", settings.critic)
    for model in settings.lookup_models:
        yield "lookup_model", partial(check_clip_name, model, f"lookup_model {model!r}")
    for name in settings.library:
        yield "library", partial(check_library_name, home_path(settings.home), name, settings.lookup_models[0])
    yield from _of_plugins(settings)
    yield "rerank", partial(_check_seeing, settings, "rerank", settings.rerank)
    yield "isolation_by", partial(_check_seeing, settings, "isolation_by", settings.isolation_by)
    yield "mcp_server", partial(_check_tools, settings)


def _of_plugins(settings: RunSettings) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield the imports of the packages that a run's parts are of; one that can't be imported breaks off the run."""
    named: list[tuple[str, Group, str]] = [
        ("vlm", "chat_models", settings.vlm.partition(":")[0]),
        ("critic", "chat_models", settings.critic.partition(":")[0]),
        ("critic", "critics", settings.critic),
        *(("library", "searches", name) for name in settings.library),
    ]
    for part, group, name in named:
        if name in installed(group):
            yield part, partial(load_plugin, group, name)


def _check_file(name: str) -> None:
    """Read the header of a checkpoint in one file.

    Raises:
        UserError: it can't be read, or its family is not known.
    """
    from imagerag.generators.diffusion.single_file import preset_of_file

    preset_of_file(name)


def _check_provider(role: str, name: str) -> None:
    """Refuse a recording that can't be played, and a model of a provider that neither LangChain nor a package knows.

    Raises:
        UserError: with examples.
    """
    provider = name.partition(":")[0]
    if provider == "replay":
        from imagerag.agent.registry import load_chat_model  # LangChain takes a while

        load_chat_model(name, "critic" if role == "critic" else "driver")
        return
    if not is_remote(name) or provider in (*KEYS, "ollama", "transformers", *installed("chat_models")):
        return
    if find_spec(package_of(provider).replace("-", "_")) is not None or find_spec("langchain") is None:
        return
    from langchain.chat_models.base import _BUILTIN_PROVIDERS

    if provider not in _BUILTIN_PROVIDERS:
        raise UserError(f"{role} {name!r}: provider {provider!r} is not known; give --{role} a name such as {EXAMPLES}")


def _is_chat_model(name: str) -> bool:
    return is_remote(name) or name.partition(":")[0] in installed("chat_models")


def _check_seeing(settings: RunSettings, name: str, value: str) -> None:
    if value == "vlm" and not any(map(_is_chat_model, (settings.critic, settings.vlm))):
        raise UserError(
            f"{name} 'vlm' needs a model that takes images; name one with --vlm or --critic, such as {EXAMPLES}"
        )


def _check_tools(settings: RunSettings) -> None:
    searched = [name for name in settings.library if is_searched_by_mcp(home_path(settings.home), name)]
    asked = [name for name in settings.facts or () if is_mcp_search(name)]
    if (searched or asked) and not settings.mcp_server:
        what = f"library {searched[0]!r} is the image search" if searched else f"facts {asked[0]!r} is the text search"
        raise UserError(f"{what} of an MCP server; give --mcp-server 'COMMAND ARGS', or an address")
    if (settings.mcp_server or settings.mcp_allow) and not searched + asked and not _is_chat_model(settings.vlm):
        raise UserError(
            f"vlm {settings.vlm!r} decides by rules, which call no tools of --mcp-server; name a chat model "
            "with --vlm, or leave --mcp-server out"
        )
