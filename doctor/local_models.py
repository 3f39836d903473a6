"""What can be told of chat models that run here without loading them: whether their files speak of tools and images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from imagerag.doctor.finding import Finding, ok, warning
from imagerag.model_files import snapshot, table_of
from imagerag.model_hub import may_be_repository
from imagerag.profiles.resolve import RunSettings
from imagerag.regular_files import read_regular

PREFIX = "transformers:"
UNTRIED = "is not asked, since that would load it"
KEPT = ("tokenizer_config.json", "chat_template.json", "processor_config.json")
"""Files that may hold a chat template beside ``chat_template.jinja`` (transformers'
``PreTrainedTokenizerBase.save_chat_templates`` and ``ProcessorMixin.get_processor_dict``)."""


def check_local_models(settings: RunSettings) -> list[Finding]:
    """Return one line for each chat model of a run that runs here; none is loaded."""
    roles: dict[str, list[str]] = {}
    for role, name in (("vlm", settings.vlm), ("critic", settings.critic)):
        if name.startswith(PREFIX):
            roles.setdefault(name, []).append(role)
    return [_untried(name, parts, settings.vlm_text_only) for name, parts in roles.items()]


def _untried(name: str, roles: list[str], text_only: bool) -> Finding:
    what = f"{' and '.join(roles)} {name!r} {UNTRIED}"
    where = name.removeprefix(PREFIX)
    folder: Path | None = Path(where).expanduser()
    assert folder is not None
    if not folder.is_dir():
        folder = snapshot(where, None) if may_be_repository(where) else None
    if folder is None or not (folder / "config.json").is_file():
        text = f"{what}; whether it calls tools and sees images can't be told, since its files are not here"
        return warning("vlm", text, "get its weights, as the line on them says, and ask the doctor again")
    templates = list(_templates(folder))
    tools = any(re.search(r"\btools\b", template) for template in templates)
    sees = "vision_config" in table_of(folder / "config.json")
    told = (
        f"its chat template has {'tools' if tools else 'no tools'}" if templates else "no chat template is in its files"
    )
    text = f"{what}; {told}, and its configuration has {'a' if sees else 'no'} vision part"
    if not templates:
        return warning("vlm", text, "name a checkpoint that is tuned for chat (often named -Instruct)")
    if not sees and ("critic" in roles or not text_only):
        flag = "--critic" if "critic" in roles else "--vlm"
        return warning("vlm", text, f"name a model that sees with {flag}")
    if not tools and "vlm" in roles:
        return warning("vlm", f"{text}; tools are described to it in words", "name a model that calls tools with --vlm")
    return ok("vlm", text)


def _templates(folder: Path) -> Iterator[str]:
    """Yield the chat templates of a checkpoint; a tokenizer may have several by name."""
    for file in (folder / "chat_template.jinja", *folder.glob("additional_chat_templates/*.jinja")):
        if file.is_file():
            yield read_regular(file).decode("utf-8", "replace")
    for name in KEPT:
        kept = table_of(folder / name).get("chat_template")
        for one in kept if isinstance(kept, list) else [kept]:
            text = one.get("template") if isinstance(one, dict) else one
            if isinstance(text, str):
                yield text
