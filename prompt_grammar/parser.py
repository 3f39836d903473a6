"""Reading a prompt as a scene.

A small grammar, not a language model: noun phrases joined by "and", commas and prepositions. Whatever it doesn't
understand stays in a phrase, in any script; nothing is lost silently (``Scene.dropped``, ``Scene.notes``). The syntax
of other tools is taken out first, and words for how a picture is made are modifiers, never things.
"""

import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

from imagerag.prompt_grammar.adjectives import LONGEST_STYLE, style_of, take_adjectives
from imagerag.prompt_grammar.clauses import Clause, split_clauses
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.labels import take_labels
from imagerag.prompt_grammar.modifiers import (
    LISTED,
    MODIFIER_JOINTS,
    direction_begins,
    is_falling_light,
    is_headed,
    is_set_light,
    leading_run,
    medium_ends,
    reading,
    stands_as_thing,
    trailing_run,
    uses,
)
from imagerag.prompt_grammar.noun_phrase import SceneObject, parse_object
from imagerag.prompt_grammar.prompt_syntax import plain_prompt
from imagerag.prompt_grammar.scene import Scene, add_object, merged, on_a_side
from imagerag.prompt_grammar.verbs import is_verb
from imagerag.prompt_grammar.vocabulary import (
    ANY,
    ARTICLES,
    BACKGROUND_WORDS,
    LOOKED_AT,
    MARKS,
    MERE_COLOURS,
    PRONOUNS,
    STYLE_ALIASES,
    colour_of,
    number_of,
)

_LEAD_IN = re.compile(
    r"^(?:(?:please|can you|could you)\s+)?(?:(?:draw|generate|make|create|paint|show|render|give)\s+(?:me\s+|us\s+)?)?"
    r"(?:(?:an?|the)\s+)?(?:(?P<style>flat|3d|noto|fluent flat|fluent|twemoji|fxemoji)\s+)?"
    r"(?:(?:picture|image|drawing|photo|photograph|painting|illustration|icon|emoji|pictogram|portrait)s?\s+"
    r"(?:of|shows?|depicts?|captures?|features?|portrays?)\s+)"
)
_COMMAND = re.compile(
    r"^(?:there (?:is|are|was|were) )?"
    r"(?:(?:now|please|can you|could you|i want|i would like|i'd like|i need)(?:\s+please)?,?\s+(?=\S+\s))*"
    r"(?:(?:draw|generate|create|paint|render)\s+(?:me\s+|us\s+)?(?=\S)"
    r"|(?:make|show|give)\s+(?:(?:me|us)\s+(?=\S)|(?=(?:an?|the|some|my)\s)))?"
)
_TO_A_SIDE = re.compile(r"\b(?:to|at|off to) the (left|right)\b(?! (?:of|side)\b)")
"""Where in the picture, not of what: "a tree to the left"."""
_SIDES: dict[str, Literal["left", "right"]] = {"the left": "left", "the right": "right"}
_COUNTED_PERSON = re.compile(r"([1-9])\+?(girl|boy|man|woman|men|women|person|people|other|child|children)s?")
"""Booru tags such as "2girls" (Danbooru's tag group "people")."""
_PLAIN = "photo photograph picture image drawing painting illustration icon emoji pictogram portrait"
_PLAIN_MEDIA = frozenset(_PLAIN.split())
"""What "a ... of" adds nothing to the picture by."""
_BEFORE_BACKGROUND = BACKGROUND_WORDS | {"as"}
_PLACING = frozenset(["in", "on", "at", "to"])
"""What stands before a part of the picture: "in the distance", "on the left"."""
_PICTURES = frozenset(["photo", "photograph", "photoshoot", "artwork", "render", "rendering"])
_BACKDROPS = frozenset(
    ["seamless", "plain", "solid", "pure", "studio", "simple", "clean", "paper", "uniform", "isolated"]
)
"""What backgrounds of one colour are called; the colour is all that a critic can judge."""
_FRAMED = frozenset(["portrait", "close-up", "closeup", "headshot"])
"""What ends a tag without being what is seen: "tiger portrait"."""
CONDITIONED = re.compile(
    r"^according to (?:these|this|the) images? of .*?[,;:.]?\s+generate\s+", re.DOTALL | re.IGNORECASE
)
"""The paper's form of a prompt that is drawn with references, up to where the prompt itself begins."""

LONGEST_REPEATED, TIMES_REPEATED = 6, 3
"""Words of the longest run that counts as said again, and how often it has to be said on end: "a very very big cat" is
none."""
MOST_READINGS = 8
_MOST_WRAPPERS = 3


def parse_scene(prompt: str, known_names: Collection[str] = ()) -> Scene:
    """Parse a prompt, in time linear in its length.

    Args:
        prompt: any text; "According to these images of ..., generate X" is parsed as X.
        known_names: names that win over the grammar: "house with garden" stays one object, "red apple" has no colour.
            Pass a set: it is looked up, not searched.

    Returns:
        The scene; without objects when the prompt has no words.
    """
    names = known_names if isinstance(known_names, set | frozenset | dict) else frozenset(known_names)
    plain = plain_prompt(prompt)
    scene = _read(plain.text, names)
    unwanted = tuple(dict.fromkeys((*plain.unwanted, *scene.unwanted)))
    absent = scene.absent
    scene = replace(scene, unwanted=unwanted)
    # Word salad ("a red five apple") may read differently once it is tidied: what its description says is what it is.
    for _ in range(MOST_READINGS):
        again = replace(_read(scene.describe(), names), dropped=scene.dropped, unwanted=unwanted, absent=absent)
        if again == scene:
            break
        scene = again
    return replace(scene, notes=plain.notes)


def _read(prompt: str, names: Collection[str]) -> Scene:
    """Read a prompt once, from left to right."""
    text = unicodedata.normalize("NFKC", prompt).lower().replace("\u2019", "'")
    text = _without_repeats(" ".join(text.split()))
    text = _TO_A_SIDE.sub(r"on the \1", text)
    text, labelled = take_labels(_without_please(CONDITIONED.sub("", text, count=1)))
    reader = _Reader(names)
    if lead := _LEAD_IN.match(text):
        text = text[lead.end() :]
        if lead["style"]:
            reader.styles[lead["style"]] = None
    else:
        text = _COMMAND.sub("", text, count=1)
    for clause in split_clauses(text, names):
        reader.take(clause)
    return reader.scene(labelled)


def _without_repeats(text: str) -> str:
    """Return the text with a run of words that is said three times or more on end said once: "a cat a cat a cat".

    What is joined, by "and" or by a comma, is counted.
    """
    words = text.split(" ")
    for length in range(1, min(LONGEST_REPEATED, len(words) // TIMES_REPEATED) + 1):
        kept: list[str] = []
        at = 0
        while at < len(words):
            said = words[at : at + length]
            behind = at + length
            while not any(map(_joins, said)) and words[behind : behind + length] == said:
                behind += length
            repeated = behind - at >= TIMES_REPEATED * length
            kept += said if repeated else words[at : at + 1]
            at = behind if repeated else at + 1
        words = kept
    return " ".join(words)


def _joins(word: str) -> bool:
    return word in ("and", "&", "or") or word.endswith((",", ";"))


def _without_please(text: str) -> str:
    """Take a last "please" off, if anything stands before it."""
    head = text.rstrip(".!?")
    if not head.endswith("please"):
        return text
    head = head.removesuffix("please")
    first = max(len(head.rstrip(" ,")), 2)
    return next((head[:at] for at in range(first, len(head)) if " " not in head[at - 2 : at]), text)


class _Reader:
    """Adds up what the clauses of a prompt say; lists, since tuples that grow would make long prompts quadratic."""

    def __init__(self, names: Collection[str]) -> None:
        self.styles: dict[str, None] = {}
        self._names = names
        self._scene = Scene()
        self._modifiers: dict[str, None] = {}
        self._unwanted: dict[str, None] = {}
        self._absent: dict[str, None] = {}
        self._dropped: list[str] = []
        self._after_modifier = False

    def scene(self, labelled: Sequence[str] = ()) -> Scene:
        """Return all that was read; of a prompt that is nothing but modifiers, one is what is to be drawn.

        Args:
            labelled: modifiers that labels told.
        """
        scene, modifiers = self._scene, list(self._modifiers)
        if not scene.objects:
            things = [text for text in modifiers if _can_stand_alone(text)]
            free = ("tag", "clause", "adjective", "")
            if thing := min(things, key=lambda text: free.index(reading(text.split(" "))), default=""):
                scene = add_object(scene, SceneObject(thing), "and")
                modifiers.remove(thing)
        return replace(
            scene,
            styles=tuple(self.styles),
            modifiers=tuple(dict.fromkeys((*modifiers, *labelled))),
            unwanted=tuple(self._unwanted),
            absent=tuple(self._absent),
            dropped=merged(self._dropped),
        )

    def take(self, clause: Clause) -> None:
        """Add what one clause says."""
        if clause.absent:
            self._take_away(clause.words)
            return
        before = len(self._modifiers)
        self._take(clause, wrappers=_MOST_WRAPPERS)
        self._dropped += self._scene.dropped
        self._scene = replace(self._scene, dropped=())
        self._after_modifier = len(self._modifiers) > before

    def _take_away(self, words: list[str]) -> None:
        """Note what is not to be seen; how a picture is made can't be looked for, and a background is always there."""
        bare = [word for word in words if word not in ARTICLES and word not in ANY]
        if not bare:
            return
        text = " ".join(bare)
        if reading(bare) or bare[-1] in BACKGROUND_WORDS | MERE_COLOURS | MARKS:
            self._unwanted[text] = None
        else:
            self._absent[parse_object(bare, self._names).phrase] = None

    def _take(self, clause: Clause, wrappers: int) -> None:
        words = clause.words
        side = " ".join(clause.words)
        if clause.connector == "on" and side in _SIDES and (placed := on_a_side(self._scene, _SIDES[side])):
            self._scene = placed
            return
        if self._is_place_in_picture(clause):
            return
        if words[-1] in BACKGROUND_WORDS:
            inner = [word for word in words if word not in ARTICLES]
            while inner and inner[-1] in _BEFORE_BACKGROUND:
                inner.pop()
            told = [word for word in inner if word not in _BACKDROPS]
            colour = colour_of(" ".join(told)) or colour_of(" ".join(inner))
            if colour:
                self._scene = replace(self._scene, background=colour)
                return
            if self._is_modifier(clause):
                return
            words, clause = inner or words, clause._replace(words=inner or words, joint="in front of")
        elif self._is_modifier(clause):
            return
        style = style_of(words, clause.joint)
        if style:
            self.styles[style] = None
            return
        if self._scene.objects and all(word in PRONOUNS or word in ARTICLES for word in words):
            return
        words = self._without_runs(words)
        if clause.connector in ("", ",") and wrappers and self._unwrap(clause._replace(words=words), wrappers):
            return
        styles, modifiers, words = take_adjectives(words, self._names)
        last = style_of(words, clause.joint) if styles else ""
        self.styles |= dict.fromkeys(filter(None, (*styles, last)))
        self._modifiers |= dict.fromkeys(modifiers)
        if last or ((styles or modifiers) and self._is_modifier(clause._replace(words=words))):
            return
        if len(words) > 1 and words[-1] in _FRAMED and self._is_tag(clause) and words[0] not in ARTICLES:
            self._modifiers[words[-1]] = None
            words = words[:-1]
        said = clause.connector if is_verb(clause.connector) else ""
        self._scene = add_object(self._scene, parse_object(words, self._names), clause.joint, said)

    def _without_runs(self, words: list[str]) -> list[str]:
        """Take modifiers off both ends of a noun phrase that no comma parts off, unless a known name ends there."""
        if len(words) > 1 and (lead := leading_run(words)):
            self._modifiers[" ".join(words[:lead])] = None
            words = words[lead:]
        if at := direction_begins(words):
            self._modifiers[" ".join(word for word in words[at:] if word not in ARTICLES)] = None
            words = words[:at]
        end = trailing_run(words)
        if end < len(words) and not any(" ".join(words[at:]) in self._names for at in range(max(0, end - 4), end)):
            self._modifiers[" ".join(words[end:])] = None
            words = words[:end]
        return words

    def _is_tag(self, clause: Clause) -> bool:
        continued = clause.connector in LISTED and self._after_modifier
        return (continued or clause.connector in ("", ",")) and clause.ends in ("", ",", "with", "at", *LISTED)

    def _goes_on(self, clause: Clause, bare: Sequence[str]) -> bool:
        """Whether gear follows: "Rembrandt light with a softbox", "on Tri-X"; not "shot with a drone"."""
        if clause.connector == "on":
            return len(bare) == len(clause.words) and "maker" in uses(" ".join(bare)) | uses(bare[0])
        last = next(reversed(self._modifiers), "")
        return clause.connector == "with" and self._after_modifier and "medium" not in uses(last)

    def _is_modifier(self, clause: Clause) -> bool:
        """Whether the clause says how the picture is made, or what is not in it, which is then taken."""
        if clause.artist:
            self._modifiers[clause.words[0]] = None
            return True
        bare = [word for word in clause.words if word not in ARTICLES]
        text = " ".join(bare)
        if not bare or text in self._names or singular(text) in self._names:
            return False
        if person := _COUNTED_PERSON.fullmatch(text):
            thing = parse_object([person[1], singular(person[2].replace("other", "person"))], self._names)
            self._scene = add_object(self._scene, thing, clause.joint)
            return True
        something = self._scene.objects or self._modifiers
        towards = clause.connector.rpartition(" ")[2] in ("at", "into", "towards", "toward")
        if towards and text in LOOKED_AT and "a" not in clause.words:
            self._modifiers["looking at camera"] = None
            return True
        if clause.connector == "at" and "time" in uses(text):
            self._modifiers[f"at {text}"] = None
            return True
        apart = clause.connector in ("", ",", *LISTED) and clause.ends in ("", ",", *LISTED) and something
        if apart and len(bare) == len(clause.words) and ("time" in uses(text) or text in MERE_COLOURS):
            self._modifiers[text] = None
            return True
        # Of "euler a" the last word is no article.
        whole = len(bare) == len(clause.words) or (clause.words[0] not in ARTICLES and reading(clause.words) == "tag")
        tag = self._is_tag(clause) and whole
        how = reading(bare)
        stands = clause.connector in MODIFIER_JOINTS
        set_up = len(bare) == len(clause.words) and clause.connector in ("", ",") and is_set_light(bare)
        if not set_up and self._is_placed(clause, bare):
            return False
        if set_up or is_falling_light(bare) or (bare[:2] == ["style", "of"] and len(bare) > LONGEST_STYLE):
            self._modifiers[text] = None
            return True
        if bare[-1] == "style" and len(bare) <= LONGEST_STYLE and ("movement" in uses(" ".join(bare[:-1])) or not how):
            return False
        inside = clause.connector in ("in", "with", "under") and bare[-1] not in _PICTURES
        headed = is_headed(bare) and (tag or inside) and bare[0] not in STYLE_ALIASES
        if not (
            headed
            or (how == "tag" and (tag or self._goes_on(clause, bare)))
            or (how in ("clause", "adjective") and stands)
        ):
            return False
        self._modifiers[text] = None
        return True

    def _is_place_in_picture(self, clause: Clause) -> bool:
        """Whether the clause says where in the picture something is, which is then taken: "in the background"."""
        said = [*clause.connector.split(), *clause.words]
        where = said[2:] if said[1:2] == ["the"] else said[1:]
        if said[0] not in _PLACING or clause.connector == "on top of" or "place" not in uses(" ".join(where)):
            return False
        self._modifiers[" ".join(said)] = None
        return True

    def _is_placed(self, clause: Clause, bare: Sequence[str]) -> bool:
        """Whether a term stands where things stand: "a ring light on a stand", "F16 over a desert"."""
        if clause.connector not in ("", ",", *LISTED) or not stands_as_thing(bare):
            return False
        ended = clause.ends not in ("", ",", "with", "at", *LISTED)
        return ended and (len(bare) < len(clause.words) or not (self._scene.objects or self._modifiers))

    def _unwrap(self, clause: Clause, wrappers: int) -> bool:
        """Read "85mm close-up photo of a tiger" as a tiger, and what stands before "of" as style."""
        at = medium_ends(clause.words)
        around = [word for word in clause.words[:at] if word not in ARTICLES]
        styles = [] if reading(around) else [STYLE_ALIASES[word] for word in around if word in STYLE_ALIASES]
        around = [word for word in around if not styles or word not in STYLE_ALIASES]
        if not at or not around or " ".join(clause.words) in self._names or not (reading(around) or is_headed(around)):
            return False
        self.styles |= dict.fromkeys(styles)
        if around[0] not in _PLAIN_MEDIA or len(around) > 1:
            self._modifiers[" ".join(around)] = None
        self._take(clause._replace(words=clause.words[at + 1 :]), wrappers - 1)
        return True


def _can_stand_alone(modifier: str) -> bool:
    """Whether a modifier may be all there is to draw, and "a ..." of it is read so again."""
    counted = number_of(modifier.partition(" ")[0])
    return not (
        counted
        or modifier.startswith(("by ", "style ", *(f"{word} " for word in _PLACING)))
        or modifier.endswith(" style")
    )
