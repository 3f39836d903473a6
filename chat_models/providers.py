"""Chat models by name: ``provider:model`` through LangChain, and any OpenAI-compatible server by its address.

``openai:gpt-6.1-sol`` and the like go through ``langchain.chat_models.init_chat_model``, which knows the providers and
their packages. ``openai:MODEL@http://HOST:PORT/v1`` is a server that speaks OpenAI's protocol (vLLM, llama.cpp ...).
"""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagerag.chat_models.images import TAG
from imagerag.chat_models.pricing import MOST_WORDS
from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError
from imagerag.extras import missing
from imagerag.net.server_keys import key_variable, server_key
from imagerag.remote_models import after_its_end

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

TIMEOUT = 60.0
"""Seconds without a byte after which a server counts as not answering; the run's own clock may end a call earlier."""

OLLAMA_CONTEXT = 16_384
"""Tokens of a conversation with Ollama. Its own default, 4,096 on most machines, cuts off in silence the beginning of a
conversation with tools and three images."""

KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "google_genai": "GOOGLE_API_KEY",
    "mistralai": "MISTRAL_API_KEY",
    "groq": "GROQ_API_KEY",
    "xai": "XAI_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "together": "TOGETHER_API_KEY",
    "fireworks": "FIREWORKS_API_KEY",
}
"""The variable with the key, for providers that need one and have one name for it."""

ALSO = {"google_genai": ("GEMINI_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI")}
"""Other variables that do instead: a second name, or a way in that needs no key."""

EXTRAS = {
    "langchain-openai": "vlm",
    "langchain-anthropic": "providers",
    "langchain-google-genai": "providers",
    "langchain-ollama": "providers",
}
"""The extra of ours that has a provider's package; the others are installed by their own names."""

EXAMPLES = "openai:gpt-6.1-sol, ollama:qwen3-vl, transformers:FOLDER, openai:MODEL@http://HOST:PORT/v1"

_SERVER = re.compile(r"openai:(?P<model>.+)@(?P<url>https?://\S+)")


def is_remote(name: str) -> bool:
    """Tell whether a name means a model of a provider or a server (``provider:model``); ``clip:MODEL`` is none."""
    return not name.startswith("clip:") and bool(re.fullmatch(r"[a-z_]+:.+", name, re.DOTALL))


def runs_here(name: str) -> bool:
    """Tell whether a name means a checkpoint whose weights are loaded on this machine (``transformers:MODEL``)."""
    return name.startswith("transformers:")


def check_local_name(name: str) -> None:
    """Refuse the name of a checkpoint that can be neither here nor on the hub; nothing is loaded or asked.

    Raises:
        UserError: it is a path of this machine with nothing there.
    """
    from imagerag.model_hub import NO_REPOSITORY, may_be_repository

    where = name.partition(":")[2]
    if not Path(where).expanduser().is_dir() and not may_be_repository(where):
        raise UserError(f"model {name!r} {NO_REPOSITORY}; put the model there, or name another")


def connect(name: str, settings: DeviceSettings | None = None) -> BaseChatModel:
    """Return the chat model of that name; nothing is sent yet.

    Args:
        name: ``provider:model``, ``openai:MODEL@URL`` for a server that speaks OpenAI's protocol, or
            ``transformers:MODEL`` for a checkpoint that runs here.
        settings: where and how such a checkpoint is held.

    Raises:
        UserError: the provider is not known, its package is not installed, or its key is not set.
    """
    if runs_here(name):
        from imagerag.chat_models.local.loading import load_local

        return load_local(name, (settings or DeviceSettings()).of_vlm)
    if importlib.util.find_spec("langchain") is None:
        raise missing("langchain", "vlm", f"model {name!r}")
    # Our own retries heed the run's budget; a client that retries by itself would not.
    told: dict[str, Any] = {"max_retries": 0, "timeout": TIMEOUT, "max_tokens": MOST_WORDS}
    provider, model = name.split(":", 1)
    if server := _SERVER.fullmatch(name):
        model = server["model"]
        told |= {"base_url": server["url"], "api_key": server_key(server["url"]) or "none"}
    elif provider == "openai" and "@" in model:
        address = model.rpartition("@")[2]
        raise UserError(f"model {name!r} names an address without http:// or https://; write @http://{address}")
    elif provider == "ollama":  # its client retries nothing and takes its timeout elsewhere
        _require_package(name, provider)
        told = {"client_kwargs": {"timeout": TIMEOUT}, "num_predict": MOST_WORDS, "num_ctx": OLLAMA_CONTEXT}
    elif (key := KEYS.get(provider)) and not any(map(os.environ.get, (key, *ALSO.get(provider, ())))):
        _require_package(name, provider)
        raise UserError(after_its_end(name, f"model {name!r} needs a key; set the variable {key}"))
    return _create(name, provider, model, told)


def remedy(name: str, status: int | None) -> str:
    """Return what the person can do where that model refuses every question, or nobody answers.

    Args:
        name: of the model, as ``connect`` takes it.
        status: of the HTTP answer; ``None`` where there was none.
    """
    provider, server = name.partition(":")[0], _SERVER.fullmatch(name)
    key = key_variable(server["url"]) if server else KEYS.get(provider)
    if status in (401, 403) and key:
        return f"check the key in {key}"
    if status == 404:
        return "check the model's name" + (
            ", and that the address ends where its protocol begins, as in /v1" if server else ""
        )
    if status is None and server:
        return f"check that a server is running at {server['url']}"
    if status is None and provider == "ollama":
        return "check that Ollama is running ('ollama serve'), or name its address in OLLAMA_HOST"
    return ""


def _create(name: str, provider: str, model: str, told: dict[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        made: BaseChatModel
        if provider == "openai" and importlib.util.find_spec("langchain_openai") is not None:
            from imagerag.chat_models.openai_servers import ChatOpenAIServer

            made = ChatOpenAIServer(model=model, **told)
        elif provider == "google_genai" and importlib.util.find_spec("langchain_google_genai") is not None:
            from imagerag.chat_models.gemini import ChatGemini

            made = ChatGemini(model=model, **told)
        else:
            made = init_chat_model(model, model_provider=provider, **told)
        made.metadata = {**(made.metadata or {}), TAG: name}
        return made
    except ImportError as error:
        found = re.search(r"pip install ([\w-]+)", str(error))
        raise _missing(name, found[1] if found else package_of(provider)) from error
    except Exception as error:  # each provider refuses settings with exceptions of its own
        known = "Unsupported provider" not in str(error)
        why = " ".join(str(error).split())[:300] if known else f"provider {provider!r} is not known"
        raise UserError(f"model {name!r} can't be used: {why}; give a name such as {EXAMPLES}") from error


def _require_package(name: str, provider: str) -> None:
    """Say first that a package is missing, since without it no key helps.

    Raises:
        UserError: the provider's package is not installed.
    """
    package = package_of(provider)
    if importlib.util.find_spec(package.replace("-", "_")) is None:
        raise _missing(name, package)


def package_of(provider: str) -> str:
    return f"langchain-{provider.replace('_', '-')}"


def _missing(name: str, package: str) -> UserError:
    if extra := EXTRAS.get(package):
        said = str(missing(package, extra, f"model {name!r}"))
    else:
        said = f"model {name!r} needs {package!r}, which is not installed; run: pip install {package}"
    return UserError(after_its_end(name, said))
