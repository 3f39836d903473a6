"""Whether the variables with the keys of a run's providers are set; their values are never printed."""

from __future__ import annotations

import os
import re

from imagerag.chat_models.providers import ALSO, KEYS, is_remote
from imagerag.credentials import without_credentials
from imagerag.doctor.finding import Finding, ok, wrong
from imagerag.generators.registry import is_images_api
from imagerag.net.server_keys import SERVER_KEY
from imagerag.plugins import installed
from imagerag.profiles.resolve import RunSettings
from imagerag.remote_models import providers
from imagerag.shell_words import WINDOWS

NOT_PROVIDERS = ("transformers", "clip", "replay")
"""Prefixes of models that need neither a key nor a network."""


_VARIABLES = {
    **{prefix: provider.keys for prefix, provider in providers().items()},
    **{provider: (variable, *ALSO.get(provider, ())) for provider, variable in KEYS.items()},
}
"""By provider, the variables with its key: of chat models, and of images APIs."""


def models_of_providers(settings: RunSettings) -> dict[str, list[str]]:
    """Return the chat models that a provider or a server answers for, each with its roles: ``vlm``, ``critic``."""
    found: dict[str, list[str]] = {}
    for role, name in (("vlm", settings.vlm), ("critic", settings.critic)):
        prefix = name.partition(":")[0]
        if is_remote(name) and prefix not in NOT_PROVIDERS and prefix not in installed("chat_models"):
            found.setdefault(name, []).append(role)
    return found


def key_of(name: str) -> str | None:
    """Return the variable with the key of a model or generator ``provider:model``; ``None`` where none is needed."""
    variables = _VARIABLES.get(name.partition(":")[0])
    return None if re.search(r"@https?://", name) or variables is None else variables[0]


def is_set(key: str) -> bool:
    """Tell whether a key is set, by its variable or another that does instead."""
    return any(map(os.environ.get, next(variables for variables in _VARIABLES.values() if variables[0] == key)))


def needed_keys(settings: RunSettings) -> dict[str, list[str]]:
    """Return the variables with keys that are needed, each with the parts that need it."""
    users: dict[str, list[str]] = {}
    for name, roles in models_of_providers(settings).items():
        if (key := key_of(name)) is not None:
            users.setdefault(key, []).append(f"{' and '.join(roles)} {name!r}")
    if is_images_api(settings.generator) and (key := key_of(settings.generator)) is not None:
        users.setdefault(key, []).append(f"generator {settings.generator!r}")
    return users


def check_keys(settings: RunSettings) -> list[Finding]:
    """Return one line for each key that is needed."""
    setting = "set" if WINDOWS else "export"
    return [
        ok("keys", f"{key} is set")
        if is_set(key)
        else wrong("keys", f"{key} is not set; needed by {', '.join(needed)}", f"{setting} {key}=YOUR_KEY")
        for key, needed in needed_keys(settings).items()
    ]


def without_keys(text: str) -> str:
    """Return a text without the values of all keys, which some providers repeat, and without those in addresses."""
    servers = [each for each in os.environ if each.startswith(SERVER_KEY)]
    for variable in (*(each for names in _VARIABLES.values() for each in names), *servers, "HF_TOKEN"):
        value = os.environ.get(variable, "")
        if len(value) > 7:
            text = text.replace(value, "***")
    return without_credentials(text)
