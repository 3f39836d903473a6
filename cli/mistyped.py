"""Words in the place of a prompt that are something else: a misspelt command, or the name of a file.

Drawing them would take a minute and make a picture of nothing that was asked for.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from imagerag.errors import UserError
from imagerag.shell_words import quoted

NEARLY = 0.8
"""Share of letters that a misspelt command has in common with it (``difflib``'s ratio): "serach", "indx", "chatt"."""
Commands = Mapping[str, Collection[str]]
"""Names of commands, each with the names of its own commands."""
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


def check_words(words: Sequence[str], commands: Commands, line: Sequence[str], *, said: bool) -> None:
    """Refuse words that are no prompt, as they were typed.

    Args:
        words: of the prompt, each as the shell handed it over; what is behind ``--`` is not among them.
        commands: names of the commands, each with those of its own commands.
        line: all that was typed.
        said: whether the command ``draw`` was typed, so that the first word is none.

    Raises:
        UserError: the first word is nearly a command and no word that the library knows, or is a command in capital
            letters, or a word is the name of a file.
    """
    if list(words) == ["-"]:
        return
    if words and not said:
        check_command(line, words, commands)
    for word in words:
        _check_file(word, words)


def check_command(line: Sequence[str], words: Sequence[str], commands: Commands) -> None:
    """Refuse a first word that is nearly a command and no word that the library knows, or one in capital letters.

    Args:
        line: all that was typed, flags included.
        words: those of it that are no flags.
        commands: names of the commands, each with those of its own commands.

    Raises:
        UserError: it is, or asks for the help or the version as other programs have it: "help threads".
    """
    first = words[0]
    asked = _asks_for_help(line, commands)
    near = None if asked or first in commands else _nearest(first.lower(), commands)
    if not asked and near is None:
        return
    own = set(map(str.lower, words[1:2])) & set(commands.get(near or "", ()))
    if near not in (None, first.lower()) and _is_known(first.lower()) and not own:
        return
    typed = list(line if line[0] == first else words)[1:]
    if own and typed[0] == words[1]:
        typed[:1] = own
    meant = asked or [near or "", *typed]
    raise UserError(
        f"{first!r} is no command; did you mean: {quoted(['imagerag', *meant])}? To draw these words: "
        f"{quoted(['imagerag', 'draw', ' '.join(words)])}"
    )


def _asks_for_help(line: Sequence[str], commands: Commands) -> list[str]:
    typed = [word.lower() for word in line]
    if typed in (["help"], ["version"]):
        return [f"--{typed[0]}"]
    return [typed[1], "--help"] if typed[0] == "help" and len(typed) == 2 and typed[1] in commands else []


def _nearest(word: str, commands: Commands) -> str | None:
    """Return the command that a word is, or is a misspelling of; of short ones letters are swapped: "drwa", "chta"."""
    if len(word) < SHORTEST or not re.fullmatch(r"[a-z-]+", word):
        return None
    swapped = [name for name in commands if sorted(name) == sorted(word) and name[0] == word[0]]
    near = difflib.get_close_matches(word, [*commands], 1, NEARLY)
    return next(iter([*near, *swapped]), None)


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
