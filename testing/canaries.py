"""Words that must not leave the machine, planted wherever the program could take them up, and a search for them."""

import base64
import os
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from imagerag.chat_models.pricing import PRICES
from imagerag.chat_models.providers import ALSO, KEYS
from imagerag.generators.diffusion.presets import PRESETS
from imagerag.generators.remote.comfyui_workflows import CHECKPOINT
from imagerag.index.web.registry import TOKEN
from imagerag.net.server_keys import SERVER_KEY
from imagerag.profiles.loading import PROFILES
from imagerag.settings import DECLARED

KEY, USER, HOST, LOGIN, PASSWORD, QUERY, ARGUMENT, FILE, PLACE = (
    f"{what}canary" for what in ("key", "user", "host", "login", "password", "query", "argument", "file", "place")
)
"""``FILE`` is part of names of files that were not used, ``PLACE`` of the folder in which everything lies."""
SECRETS = (KEY, LOGIN, PASSWORD, QUERY, ARGUMENT)
"""Found nowhere at all, not even in what the machine's own user is shown."""
ALL = (*SECRETS, USER, HOST, FILE, PLACE)


def with_login(address: str, query: bool = True) -> str:
    """Return an address with a user, a password and, unless told otherwise, a query."""
    plain = address.replace("://", f"://{LOGIN}:{PASSWORD}@", 1)
    return f"{plain}?key={QUERY}" if query else plain


def variables(place: Path) -> dict[str, str]:
    """Return values for all variables with keys, names of users and machines, and files of the person's own."""
    keys = [*KEYS.values(), *(one for more in ALSO.values() for one in more), SERVER_KEY, "HF_TOKEN", TOKEN]
    keys += ["IMAGERAG_MCP_TOKEN_127_0_0_1_9", f"{SERVER_KEY}_127_0_0_1_9"]
    named = {"USER": USER, "LOGNAME": USER, "USERNAME": USER, "HOSTNAME": HOST, "COMPUTERNAME": HOST}
    files = {
        PRESETS: _written(place / f"{FILE}-presets.toml", PRESET),
        PROFILES: _written(place / f"{FILE}.toml", PROFILE),
    }
    files[PRICES] = _written(place / f"{FILE}-prices.toml", PRICE)
    more = {"HOME": str(place / USER), CHECKPOINT: "sdxl.safetensors"}
    return {**{name: f"{KEY}-{number}" for number, name in enumerate(keys)}, **named, **files, **more}


PRESET = '[mine]\nlike = "sdxl"\nmodel = "somebody/model"\n'
PRICE = '["openai:m"]\ninput = 1.0\noutput = 2.0\n'
PROFILE = '[mine]\nlike = "pictograms"\n'


def _written(file: Path, text: str) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return str(file)


def settings_file(place: Path, values: Mapping[str, Any]) -> Path:
    """Write a settings file that sets every setting that is declared.

    Args:
        place: the folder.
        values: of those that a text or a list of texts is given.

    Raises:
        AssertionError: a setting of texts is not among the values: it has to be given a canary, or a plain value.
    """
    lines = []
    for name, declared in DECLARED.items():
        value = values.get(name, NUMBERS.get(name, declared.default))
        assert name in values or name in NUMBERS or declared.choices or declared.kind is bool, f"no canary in {name!r}"
        if value is not None:
            lines.append(f"{name} = {_toml(value)}")
    return Path(_written(place / f"{FILE}-settings.toml", "\n".join(lines)))


NUMBERS: dict[str, Any] = {
    "image_size": 128, "seed": 7, "n": 1, "max_steps": 12, "max_generations": 3, "max_seconds": 100.0,
    # The embedded generator takes no LoRA; sizes have a form of their own, in which no canary fits.
    "lora": None, "size": None, "aspect": None, "file_name": None, "mask": None, "negative": None,
    "max_loading_seconds": 500.0,
    "max_tokens": 10**7, "lookup_floor": -1.0, "lookup_diverse": 0.1, "keep_days": 90.0,
}  # fmt: skip


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return repr(value) if isinstance(value, int | float) else "'" + str(value) + "'"


def found_in(outputs: Mapping[str, bytes | str], words: Iterable[str]) -> list[str]:
    """Return where a word stands in an output, each with what is around it; and the name of this machine."""
    host = socket.gethostname()
    sought = {*words, *([host] if len(host) > 5 else []), *([str(Path.cwd())] if PLACE in words else [])}
    leaks = []
    for name, output in outputs.items():
        text = output.decode("latin-1") if isinstance(output, bytes) else output
        text += "".join(decoded for packed in _BASE64.findall(text) for decoded in _decoded(packed))
        for word in sorted(sought):
            if (at := text.find(word)) >= 0:
                leaks.append(f"{name}: ...{text[max(0, at - 150) : at + 60]!r}")
    return leaks


_BASE64 = re.compile(r"[A-Za-z0-9+/]{400,}={0,2}")


def _decoded(packed: str) -> Iterator[str]:
    """Yield what a picture within JSON or HTML holds.

    A database cuts long values into its pages, so that what is found may begin within a group of four characters and
    end within another: it is decoded from each of four places, without a character that is left over at the end.
    """
    for start in range(4):
        some = packed.rstrip("=")[start:]
        some = some[:-1] if len(some) % 4 == 1 else some
        yield base64.b64decode(some + "=" * (-len(some) % 4)).decode("latin-1")


def files_in(folder: Path) -> dict[str, bytes]:
    """Return the files in a folder, by their paths there."""
    return {os.path.relpath(file, folder): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}
