"""Midjourney's parameters (``--ar 16:9``) and multi-prompts (``cat::2 dog::-0.5``), taken out of a prompt."""

import re
from typing import Literal, NamedTuple


class Parameter(NamedTuple):
    """What follows a parameter, and what to tell the person of it."""

    value: Literal["none", "number", "word", "rest"]
    note: str


_SIZE = Parameter("number", "the generator's own size is drawn")
_SETTING = Parameter("number", "the generator has no such setting")
_FLAG = Parameter("none", "the generator has no such setting")
_SEED = Parameter("number", "the seed is a setting; give --seed as an option of its own")
_MODEL = Parameter("number", "it names a model of Midjourney's; --generator chooses one here")
_STYLE = Parameter("word", "it names a style of Midjourney's models; say the style in words")
_REFERENCE = Parameter("rest", "pictures to draw with are given with --subject")
_NO = Parameter("rest", "")

PARAMETERS: dict[str, Parameter] = {
    **dict.fromkeys(("ar", "aspect", "width", "height", "size"), _SIZE),
    **dict.fromkeys(("v", "version", "niji"), _MODEL),
    "style": _STYLE,
    **dict.fromkeys(
        ("s", "stylize", "c", "chaos", "w", "weird", "q", "quality", "iw", "sw", "cw", "ow", "sv", "exp", "stop"),
        _SETTING,
    ),
    **dict.fromkeys(("r", "repeat", "h", "cfg", "steps", "uplight", "upbeta", "hd", "bs"), _SETTING),
    **dict.fromkeys(("seed", "sameseed"), _SEED),
    **dict.fromkeys(("sref", "cref", "oref", "p", "profile", "personalize"), _REFERENCE),
    **dict.fromkeys(
        ("tile", "fast", "relax", "turbo", "draft", "raw", "video", "test", "testp", "creative", "public", "stealth"),
        _FLAG,
    ),
    "no": _NO,
}
"""Documented parameters, old ones included, without the leading dashes."""

_FLAGS = re.compile(r"(?<![^\s,.;])(--|[\u2013\u2014])([A-Za-z]+)")
_NUMBER = re.compile(r"[\s=]*(\d[\d.:x/]*|auto|random)(?=[\s,;]|$)")
_WORD = re.compile(r"[\s=]*([\w-]+)")
_MULTI = re.compile(r"::(-?(?:\d+\.?\d*|\.\d+))?")


def take_parameters(text: str, notes: list[str]) -> tuple[str, list[str]]:
    """Return the prompt without parameters, and what ``--no`` excludes; each parameter not heeded gets a note.

    An em dash stands for two hyphens where a known parameter follows, since phones type it so. Of an unknown
    parameter the number behind it goes, too, and words stay.
    """
    flags = [match for match in _FLAGS.finditer(text) if match[1] == "--" or match[2].lower() in PARAMETERS]
    if not flags:
        return text, []
    kept = [text[: flags[0].start()]]
    unwanted: list[str] = []
    for flag, following in zip(flags, [*flags[1:], None], strict=True):
        behind = text[flag.end() : following.start() if following else len(text)]
        name = flag[2].lower()
        parameter = PARAMETERS.get(name, Parameter("number", "no such parameter is known"))
        if name == "no":
            unwanted += [item for part in behind.split(",") if (item := part.strip(" .;\n\t"))]
            continue
        if parameter.value == "rest":
            value, rest = behind.strip(" ,;\n\t"), ""
        else:
            pattern = {"number": _NUMBER, "word": _WORD}.get(parameter.value)
            found = pattern.match(behind) if pattern else None
            value, rest = (found[1], behind[found.end() :]) if found else ("", behind)
        kept.append(rest)
        notes.append(f"{f'--{name} {value}'.strip()} is ignored: {parameter.note}")
    return ", ".join(part for part in kept if part.strip(" ,.;\n\t")), unwanted


def take_multi_prompt(text: str, notes: list[str]) -> tuple[str, list[str]]:
    """Return the parts of a multi-prompt side by side, and those that a negative weight excludes."""
    marks = list(_MULTI.finditer(text))
    if not marks:
        return text, []
    kept: list[str] = []
    unwanted: list[str] = []
    start = 0
    for mark in marks:
        part = text[start : mark.start()].strip(" ,\n\t")
        start = mark.end()
        if part:
            (unwanted if mark[1] and float(mark[1]) < 0 else kept).append(part)
    kept.append(text[start:].strip(" ,\n\t"))
    notes.append("'::' is read as a comma: the parts are drawn together, all of the same weight")
    return ", ".join(filter(None, kept)), unwanted
