"""Reading a prompt as a scene.

A small grammar, not a language model: noun phrases joined by "and", commas and prepositions. Whatever it doesn't
understand stays in a phrase, in any script; nothing is lost silently (``Scene.dropped``).
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import replace

from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.noun_phrase import LONGEST_NAME, parse_object
from imagerag.prompt_grammar.scene import Scene, add_object
from imagerag.prompt_grammar.vocabulary import (
    ARTICLES,
    BACKGROUND_WORDS,
    CONNECTORS,
    POSTURES,
    SIZES,
    STYLE_ALIASES,
    Joint,
    colour_of,
    number_of,
)

_LEAD_IN = re.compile(
    r"^(?:(?:please|can you|could you)\s+)?(?:(?:draw|generate|make|create|paint|show|render|give)\s+(?:me\s+|us\s+)?)?"
    r"(?:(?:an?|the)\s+)?(?:(?P<style>flat|3d|noto|fluent flat|fluent|twemoji|fxemoji)\s+)?"
    r"(?:(?:picture|image|drawing|photo|photograph|painting|illustration|icon|emoji|pictogram|portrait)s?\s+of\s+)"
)
_COMMAND = re.compile(
    r"^(?:(?:now|please|can you|could you|i want|i would like|i'd like|i need)(?:\s+please)?,?\s+(?=\S+\s))*"
    r"(?:(?:draw|generate|create|paint|render)\s+(?:me\s+|us\s+)?(?=\S)"
    r"|(?:make|show|give)\s+(?:(?:me|us)\s+(?=\S)|(?=(?:an?|the|some|my)\s)))?"
)
_PLEASE = re.compile(r"(?<=\S\S)[\s,]+please[.!?]*$")
CONDITIONED = re.compile(
    r"^according to (?:these|this|the) images? of .*?[,;:.]?\s+generate\s+", re.DOTALL | re.IGNORECASE
)
"""The paper's form of a prompt that is drawn with references, up to where the prompt itself begins."""

MOST_READINGS = 8


def parse_scene(prompt: str, known_names: Collection[str] = ()) -> Scene:
    """Parse a prompt.

    Args:
        prompt: any text; "According to these images of ..., generate X" is parsed as X.
        known_names: names that win over the grammar: "house with garden" stays one object, "red apple" has no colour.
            Pass a set: it is looked up, not searched.

    Returns:
        The scene; without objects when the prompt has no words.
    """
    names = known_names if isinstance(known_names, set | frozenset | dict) else frozenset(known_names)
    scene = _read(prompt, names)
    # Word salad ("a red five apple") may read differently once it is tidied: what its description says is what it is.
    for _ in range(MOST_READINGS):
        again = replace(_read(scene.describe(), names), dropped=scene.dropped)
        if again == scene:
            break
        scene = again
    return scene


def _read(prompt: str, names: Collection[str]) -> Scene:
    """Read a prompt once, from left to right."""
    text = unicodedata.normalize("NFKC", prompt).lower().replace("\u2019", "'")
    text = " ".join(text.split())
    text = _PLEASE.sub("", CONDITIONED.sub("", text, count=1))
    scene = Scene()
    if lead := _LEAD_IN.match(text):
        text = text[lead.end() :]
        if lead["style"]:
            scene = replace(scene, styles=(lead["style"],))
    else:
        text = _COMMAND.sub("", text, count=1)
    for joint, words in _split(text.split(" "), names):
        scene = _take(scene, joint, words, names)
    return scene


def _take(scene: Scene, joint: Joint, words: list[str], names: Collection[str]) -> Scene:
    """Add what one connector and the words behind it say."""
    if words[-1] in BACKGROUND_WORDS:
        inner = [word for word in words if word not in ARTICLES]
        while inner and inner[-1] in BACKGROUND_WORDS:
            inner.pop()
        colour = colour_of(" ".join(inner))
        if colour:
            return replace(scene, background=colour)
        words, joint = inner or words, "in front of"
    style = _style(words, joint)
    if style:
        return scene if style in scene.styles else replace(scene, styles=(*scene.styles, style))
    styles, words = _adjective_styles(words)
    last = _style(words, joint) if styles else ""
    scene = replace(scene, styles=tuple(dict.fromkeys(filter(None, (*scene.styles, *styles, last)))))
    return scene if last else add_object(scene, parse_object(words, names), joint)


def _split(words: list[str], names: Collection[str]) -> Iterator[tuple[Joint, list[str]]]:
    """Cut at connectors, leaving known names whole; yields non-empty word lists with the connector before each."""
    tokens: list[str] = []
    for word in words:
        bare = word.strip("\"'()[]{}\u201c\u201d\u2018\u2019*_`")
        core = bare.rstrip(",;.!?:")
        tokens += [core.strip("\"'()[]{}")] if core.strip("\"'()[]{}") else []
        tokens += [","] if core != bare else []
    joint: Joint = "and"
    held: list[str] = []
    yielded = False
    position = 0
    while position < len(tokens):
        name, length = _known(tokens, position, names)
        if name:
            held.append(name)
            position += length
            continue
        for length in (4, 3, 2, 1):
            found = CONNECTORS.get(" ".join(tokens[position : position + length]))
            if found and position + length <= len(tokens):
                break
        else:
            held.append(tokens[position])
            position += 1
            continue
        if held and held[-1] in POSTURES and found != "and":
            # "An owl sitting on" and "an owl, sitting on", but not "a sitting on": that is all there is to draw.
            before = any(word not in ARTICLES for word in held[:-1])
            if before or (len(held) == 1 and yielded):
                held.pop()
        if held:
            yield joint, held
            joint, held, yielded = found, [], True
        elif joint == "and":
            joint = found
        position += length
    if held:
        yield joint, held


def _known(tokens: list[str], position: int, names: Collection[str]) -> tuple[str, int]:
    """The longest known name of several words that starts here, and how many tokens it takes."""
    if not names:
        return "", 0
    for length in range(min(LONGEST_NAME, len(tokens) - position), 1, -1):
        part = tokens[position : position + length]
        if part[0] in ARTICLES or part[-1] in ARTICLES:
            continue
        bare = " ".join(word for word in part if word not in ARTICLES)
        if " " in bare and (bare in names or singular(bare) in names):
            return bare, length
    return "", 0


def _style(words: list[str], joint: str) -> str:
    """The style word that this clause is, or nothing."""
    inner = [word for word in words if word not in ARTICLES and word != "one"]
    text = " ".join(inner)
    if text in STYLE_ALIASES:
        return STYLE_ALIASES[text]
    if inner[:2] == ["style", "of"]:
        inner = [*inner[2:], "style"]
    if len(inner) > 1 and inner[-1] in ("emoji", "emojis", "look") and joint in ("in", "and", "with"):
        return STYLE_ALIASES.get(" ".join(inner[:-1]), "")
    if 2 <= len(inner) <= 4 and inner[-1] == "style":
        text = " ".join(inner[:-1])
        return STYLE_ALIASES.get(text, text)
    return ""


def _adjective_styles(words: list[str]) -> tuple[list[str], list[str]]:
    """Take "3d" out of "a small 3d owl"; the last word always stays."""
    styles: list[str] = []
    kept: list[str] = []
    at = 0
    while at < len(words) - 1:
        word, pair = words[at], " ".join(words[at : at + 2])
        if pair in STYLE_ALIASES and at < len(words) - 2:
            styles.append(STYLE_ALIASES[pair])
            at += 2
            continue
        if word in STYLE_ALIASES:
            styles.append(STYLE_ALIASES[word])
        elif word in ARTICLES or word in SIZES or colour_of(word) or number_of(word):
            kept.append(word)
        else:
            break
        at += 1
    return styles, kept + words[at:]
