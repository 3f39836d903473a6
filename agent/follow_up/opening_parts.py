"""Parts of a first request read into one scene, and the prompt and the note that come of it."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from imagerag.agent.follow_up.changes import change
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.opening_items import Item
from imagerag.agent.follow_up.opening_names import Vocabulary, is_side
from imagerag.agent.follow_up.opening_scene import OpeningScene
from imagerag.agent.follow_up.opening_wording import (
    COURTESY,
    LEADS,
    is_remark,
    opening_tables,
    split_at,
    without_brackets,
    without_ends,
)
from imagerag.agent.follow_up.phrases import joined, phrases
from imagerag.agent.follow_up.scene_edit import CannotChange
from imagerag.agent.follow_up.wording import plainly
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, colour_of


class Opening(NamedTuple):
    """What a first request was read as.

    Attributes:
        prompt: the picture that is wanted.
        note: one line that says so; empty where nothing but courtesy was left out.
    """

    prompt: str
    note: str


NOT_BEHIND = frozenset(["for", "in", "at", "by", "to", "of", "like", "from", "into", "my", "our"])
THEY = frozenset(["he", "she", "it", "they", "he's", "she's", "it's", "they're", "that", "which"])
_POSTURED = frozenset(
    ["walking", "standing", "sitting", "sleeping", "running", "flying", "playing", "dancing", "landed"]
)


_CALL = re.compile(
    r"(?:(?:oh|well|ok|okay|and|so) )*(?:hello|hi|hiya|hey|heya|yo|good (?:morning|afternoon|evening|day)|greetings|"
    r"dear|please|thanks|thank you|cheers|excuse me|sorry)"
    r"(?: (?:there|you|so much|very much|in advance|all|everyone|again))*"
)
"""What is said to somebody before and behind a request, and tells nothing."""


def speaks_of_looks(prompt: str, vocabulary: Vocabulary) -> bool:
    """Tell whether a prompt says how a picture is made or what is not in it, for which a list has no room."""
    scene = parse_scene(prompt, vocabulary.names)
    modifiers = [text for text in scene.modifiers if not any(is_side(word) or colour_of(word) for word in text.split())]
    named = set(prompt.split()) & phrases().styles
    return bool(scene.styles or modifiers or scene.background or scene.absent or named)


_OWN = frozenset(["my", "our", "your", "work", "home", "school", "here", "town"])
"""Words of places that are somebody's, and in no picture."""


def _setting_left(rest: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Tell whether words say in what place a thing is that nobody can draw: "in our garden"."""
    if opening_tables().setting.fullmatch(" ".join(rest)) is None or not _OWN & set(rest):
        return False  # "in a hammock" and "on the moon" say what is to be drawn
    return not any(vocabulary.name(rest[at:]) in vocabulary.names for at in range(1, len(rest)))


def _without_purpose(words: Sequence[str], vocabulary: Vocabulary) -> list[str]:
    """Leave out what a picture is for, where that is no thing: "a basket for picnic", and not "a bowl for soup"."""
    at = next((at for at, word in enumerate(words) if word == "for" and at), None)
    if at is None:
        return list(words)
    end = next((end for end in range(at, len(words)) if words[end] == ","), len(words))
    behind = words[at + 1 : end]
    owned = bool({"my", "our", "the", "his", "her", "me", "us"} & set(behind))
    if behind and (owned or not any(vocabulary.name([word]) in vocabulary.names for word in behind)):
        return [*words[:at], *words[end:]]
    return list(words)


def _restart(scene: OpeningScene, words: Sequence[str]) -> None:
    """Forget what was told before "just", which names all that is wanted."""
    kept = {scene.find(word) for at, word in enumerate(words) if not at or words[at - 1] not in ("a", "an")}
    for at in reversed(range(len(scene.things))):
        if at not in kept:
            scene.drop(at)


class Parts:
    """Reads parts of one request into a scene.

    Attributes:
        scene: what is wanted.
        raw: the words of it, where they are kept as they are.
        remarks: what was taken for talk.
        lists: whether names follow each other with nothing between them.
    """

    def __init__(self, vocabulary: Vocabulary, talk_only: bool) -> None:
        self.scene = OpeningScene()
        self.raw = ""
        self.remarks: list[str] = []
        self.lists = False
        self._further: list[list[str]] = []
        self._is_kept = True
        self._is_strict = False
        self._is_alone = False
        self._vocabulary = vocabulary
        self._talk_only = talk_only

    def opening(self, request: str) -> Opening | None:
        """Return the picture with the note; ``None`` where it is the request itself."""
        prompt = self.raw or self.scene.prompt(self._vocabulary.names, self._vocabulary.known)
        prompt = self._changed(prompt) if prompt and self._further else prompt
        if (
            not prompt
            or prompt.casefold() == request.casefold().strip(" .!?")
            or (not self._talk_only and self._is_same(prompt, request))
        ):
            return None
        said = [text.strip(" ,.") for text in self.remarks]
        remarks = [text for text in dict.fromkeys(said) if re.search(r"[a-z0-9]", text)]
        remarks = [text for text in remarks if not _CALL.fullmatch(text)]
        if not remarks and re.sub(r"\W+", " ", prompt) in re.sub(r"\W+", " ", request.lower()):
            return Opening(prompt, "")  # nothing but courtesy was left out
        told = " and ".join(repr(text) for text in remarks)
        taken = f"; {told} was taken as a remark" if len(remarks) == 1 else f"; {told} were taken as remarks"
        return Opening(prompt, f"read as {prompt!r}{taken if remarks else ''}")

    def _changed(self, prompt: str) -> str:
        """Return the prompt with the changes that the sentences behind it ask for; what asks for none is noted."""
        for sentence in self._further:
            if self._talk_only:
                if set(sentence) & opening_tables().talk:
                    self.remarks.append(joined(sentence))
                else:
                    prompt = f"{prompt}. {joined(sentence)}"
                continue
            edit = Edit.of(prompt, self._vocabulary.names, self._vocabulary.known)
            try:
                if not change(edit, plainly(sentence)):
                    prompt = edit.described()
                    continue
            except CannotChange:
                pass
            if self._is_strict and self._names_thing(sentence):
                return ""
            self.remarks.append(joined(sentence))
        return prompt

    def _is_same(self, prompt: str, request: str) -> bool:
        """Tell whether a request is read by the grammar of prompts as this prompt is."""
        one, other = (parse_scene(text, self._vocabulary.names) for text in (prompt, request))
        return one.objects == other.objects and one.relations == other.relations and one.styles == other.styles

    def _trimmed(self, words: Sequence[str], *, purpose: bool) -> list[str]:
        """Leave out what a wish ends with, and note it as a remark where it says anything."""
        if self._vocabulary.name([word for word in words if word not in ARTICLES]):
            return list(words)  # "a man gesturing ok"
        kept = without_ends(words, purpose=False)
        kept = without_ends(_without_purpose(kept, self._vocabulary), purpose=False) if purpose else kept
        text = " ".join(words).strip(" ,")[len(" ".join(kept)) :].strip(" ,")
        if text and not set(text.split()) <= COURTESY:
            self.remarks.append(joined(text.split()))
        return kept

    def _read_all(self, words: Sequence[str], guesses: bool) -> bool:
        """Read all words as things and looks, part by part; nothing is taken where one part can't be read."""
        scene = self.scene.copy()
        remarks: list[str] = []
        if not self._read_parts(scene, list(words), guesses, remarks):
            return False
        self.scene.take(scene)
        self.remarks += remarks
        return True

    def _read_parts(self, scene: OpeningScene, words: list[str], guesses: bool, remarks: list[str]) -> bool:
        left, aside = without_brackets(words)
        remarks += aside
        left, row = self._without_asides(left, remarks)
        if not left:
            return False
        while left:
            while left and left[0] in LEADS:
                if left[0] in ("just", "only"):
                    _restart(scene, left[1:])
                left = left[1:]
            if not left:
                break
            part = left[: left.index(",")] if "," in left else left
            item = self._item(scene, left, part, guesses)
            if item is None:
                return False
            if not item.done and item.words[item.at] not in (",", "and"):
                rest = list(item.words[item.at :])
                rest = rest[: rest.index(",")] if "," in rest else rest
                idle = (
                    self._is_predicate(rest)
                    or _setting_left(rest, self._vocabulary)
                    or opening_tables().nothing.fullmatch(" ".join(rest))
                )
                if not idle and not (len(rest) == 1 and rest[0] in _POSTURED):
                    return False
                remarks.append(joined(rest))
                item.at += len(rest)
            scene.take(item.scene)
            self.lists = self.lists or item.listing
            left = left[item.at :]
        if row:
            scene.in_a_row()
        return bool(scene.things)

    def _without_asides(self, words: Sequence[str], remarks: list[str]) -> tuple[list[str], bool]:
        """Leave out the parts between commas that name nothing; also tell whether one puts the things in a row."""
        tables, kept, row = opening_tables(), list[str](), False
        parts = list(split_at(words, {","}))
        for part in parts:
            text = " ".join(part)
            if tables.row.fullmatch(text):
                row = True
                continue
            talks = is_remark(part) and (part[0] == "which" or not self._names_thing(part))
            headline = len(parts) > 1 and part[-1] in tables.headings and not self._vocabulary.name(part)
            if talks or headline or tables.nothing.fullmatch(text) or (self._is_noise(part) and len(parts) > 1):
                remarks.append(joined(part))
                continue
            kept += [",", *part] if kept else part
        return kept, row

    def _is_told_of(self, words: Sequence[str]) -> bool:
        """Tell whether somebody speaks of what is his or hers, which is no picture: "my late father was an angler"."""
        return bool({"my", "our", "your"} & set(words))

    def _is_predicate(self, rest: Sequence[str]) -> bool:
        """Tell whether words say what a thing does, and name no other one: "collects food for winter"."""
        if (
            not self._is_alone
            or self._is_told_of(rest)
            or any(self._vocabulary.name([word]) in self._vocabulary.names for word in rest[1:])
        ):
            return False
        first = rest[0]
        return first in opening_tables().predicates or (
            len(rest) > 1 and re.fullmatch(r"[a-z]{3,}[^s]s", first) is not None and not self._vocabulary.name([first])
        )

    def _item(self, scene: OpeningScene, left: list[str], part: list[str], guesses: bool) -> Item | None:
        """Return the item that reads what comes next; ``None`` where none does."""
        if part != left:
            alone = Item(scene.copy(), part, self._vocabulary)
            longer = Item(scene.copy(), left, self._vocabulary)
            if alone.read() and alone.done and not alone.told and not (longer.read() and longer.done):
                return alone
        item = Item(scene.copy(), left, self._vocabulary, guesses=guesses)
        return item if item.read() else None

    def _is_noise(self, piece: Sequence[str]) -> bool:
        """Tell whether words only sound: "brum brum", "rooooar"."""
        text = " ".join(piece)
        return bool(re.fullmatch(r"(\S+)(?: \1)+", text) or re.search(r"([a-z])\1\1", text)) and not self._names_thing(
            piece
        )

    def _names_thing(self, piece: Sequence[str]) -> bool:
        return any(self._vocabulary.name(piece[at : at + 1]) for at in range(len(piece))) or any(
            colour_of(word) for word in piece
        )

    def _spans(self, clause: Sequence[str]) -> bool:
        scene, at, found = self.scene.copy(), 0, False
        skipped: list[str] = []
        while at < len(clause):
            before = clause[at - 1] if at else ""
            item = Item(scene.copy(), list(clause[at:]), self._vocabulary)
            if before not in NOT_BEHIND and item.read() and item.told:
                scene, found = item.scene, True
                at += item.at
            elif before in NOT_BEHIND and item.read() and item.told:
                at += max(item.at, 1)
            else:
                skipped.append(clause[at])
                at += 1
        if found:
            self.scene.take(scene)
            self.remarks.append(joined(clause))
        return found
