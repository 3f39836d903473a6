"""Words in the place of a prompt that are something else: a misspelt command, or the name of a file.

Drawing them would take a minute and make a picture of nothing that was asked for.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from pathlib import Path

from imagerag.errors import UserError
from imagerag.shell_words import quoted

NEARLY = 0.8
"""Share of letters that a misspelt command has in common with it (``difflib``'s ratio): "serach", "indx", "chatt"."""
SHORTEST = 3
"""Letters of a word that may be a misspelt command."""

_PICTURES = ("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "heif", "jxl")
_SUFFIX = re.compile(r"[^\s]*[^\s.]\.([A-Za-z0-9]{2,11})")
_ADVICE: dict[str, str] = {
    "txt": "to draw what it lists, a prompt a line: imagerag batch {file}",
    "csv": "to draw what it lists, a prompt a row: imagerag batch {file}",
    "jsonl": "to draw what it lists, a prompt a line: imagerag batch {file}",
    "toml": "for the settings in it: --config {file}",
    "html": "for a page of the run: --html {file}",
    "htm": "for a page of the run: --html {file}",
    "safetensors": "for LoRA weights: --lora {file}; for a whole model: --generator file:{file}",
    "gguf": "for a model: --generator file:{file}",
}
_ADVICE |= dict.fromkeys(
    _PICTURES,
    "to draw with it: --subject {file}; to draw it again: imagerag replay {file}; to look up in it: "
    "imagerag index add {file}",
)


def check_words(words: Sequence[str], commands: Sequence[str], *, said: bool) -> None:
    """Refuse words that are no prompt, as they were typed.

    Args:
        words: of the prompt, each as the shell handed it over; what is behind ``--`` is not among them.
        commands: names of the commands.
        said: whether the command ``draw`` was typed, so that the first word is none.

    Raises:
        UserError: the first word is nearly a command and no word that the library knows, or a word is the name of a
            file.
    """
    if list(words) == ["-"]:
        return
    if words and not said:
        _check_command(words, commands)
    for word in words:
        _check_file(word, words)


def _check_command(words: Sequence[str], commands: Sequence[str]) -> None:
    first = words[0]
    if len(first) < SHORTEST or not re.fullmatch(r"[A-Za-z-]+", first):
        return
    near = difflib.get_close_matches(first.lower(), commands, 1, NEARLY)
    if near and first not in commands and not _is_known(first.lower()):
        meant = quoted(["imagerag", near[0], *words[1:]])
        raise UserError(
            f"{first!r} is no command; did you mean: {meant}? To draw these words: "
            f"{quoted(['imagerag', 'draw', ' '.join(words)])}"
        )


def _is_known(word: str) -> bool:
    """Tell whether the library or the embedded CLIP has a word."""
    from imagerag.assets import asset

    vocabulary = json.loads((asset("clip") / "tokenizer.json").read_text(encoding="utf-8"))["model"]["vocab"]
    if word in vocabulary:
        return True
    from imagerag.assets.library import bundled_library

    library = bundled_library()
    phrases = [phrase for said in (*library.said, *library.synonyms.values()) for phrase in said]
    return any(word in phrase.lower().split() for phrase in phrases)


def _check_file(word: str, words: Sequence[str]) -> None:
    if "://" in word:  # an address of a picture, of which the run tells what serves instead
        return
    found = _SUFFIX.fullmatch(word)
    suffix = found[1].lower() if found else ""
    named = Path(word).expanduser()
    is_place = "/" in word or "\\" in word or bool(Path(word).suffix)
    is_there = is_place and len(word) < 256 and _exists(named)
    if suffix not in _ADVICE and not is_there:
        return
    what = "a folder" if is_there and named.is_dir() else "a file" if is_there else "the name of a file"
    advice = _ADVICE.get(suffix or named.suffix[1:].lower(), "for its options: imagerag draw --help")
    if what == "a folder":
        advice = "to look up in its pictures: imagerag index add {file}; for the results of a run: --out {file}"
    raise UserError(
        f"{word!r} is {what}, and no prompt; {advice.format(file=quoted([word]))}; to draw these words: "
        f"imagerag -- {quoted([' '.join(words)])}"
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # no name that a file could have
        return False
