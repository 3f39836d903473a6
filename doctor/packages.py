"""Whether the libraries that a run's parts need are installed; none is imported."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from imagerag.chat_models.providers import EXTRAS, package_of
from imagerag.doctor.finding import Finding, ok, wrong
from imagerag.doctor.keys import models_of_providers
from imagerag.doctor.needs import preset_of
from imagerag.profiles.resolve import RunSettings
from imagerag.profiles.soundness import EMBEDDED_MODEL

CALLED = {"open_clip": "open_clip_torch"}
"""Modules whose distributions have other names."""


def check_packages(settings: RunSettings) -> list[Finding]:
    """Return one line for those that are there, and one for each that is lacking, with the command that installs it."""
    there, findings = [], []
    for library, need, extra in dict.fromkeys(needed_packages(settings)):
        if find_spec(library) is None:
            text = f"{need} needs {library!r}, which is not installed"
            findings.append(wrong("packages", text, install_command(library, extra)))
        else:
            there.append(_with_version(library))
    return ([ok("packages", ", ".join(dict.fromkeys(there)))] if there else []) + findings


def install_command(library: str, extra: str) -> str:
    """Return the command that installs a module: by the extra of ours that has it, if any."""
    return (
        f"pip install 'imagerag[{extra}]'" if extra else f"pip install {CALLED.get(library, library.replace('_', '-'))}"
    )


def needed_packages(settings: RunSettings) -> Iterator[tuple[str, str, str]]:
    """Yield modules, what needs each, and the extra of ours that has it; empty for what comes with imagerag."""
    yield "torch", "imagerag", ""
    generator = f"generator {settings.generator!r}"
    if (preset := preset_of(settings.generator)) is not None:
        for library in ("diffusers", "transformers", "accelerate"):
            yield library, generator, ""
        if preset.name == "kolors":  # the one pipeline that diffusers refuses without it
            yield "sentencepiece", generator, "diffusion"
        if settings.memory == "4bit":
            yield "bitsandbytes", "memory '4bit'", "diffusion"
    if settings.lora:
        yield "peft", "--lora", "diffusion"
    for role, name in (("vlm", settings.vlm), ("critic", settings.critic)):
        if name.startswith("transformers:"):
            yield "transformers", f"{role} {name!r}", ""
    for name, roles in models_of_providers(settings).items():
        package = package_of(name.partition(":")[0])
        yield "langchain", f"{' and '.join(roles)} {name!r}", "vlm"
        yield package.replace("-", "_"), f"{' and '.join(roles)} {name!r}", EXTRAS.get(package, "")
    for model in settings.lookup_models:
        if model != EMBEDDED_MODEL:
            yield "open_clip", f"CLIP model {model!r}", ""


def _with_version(library: str) -> str:
    try:
        return f"{library} {version(CALLED.get(library, library.replace('_', '-')))}"
    except PackageNotFoundError:
        return library
