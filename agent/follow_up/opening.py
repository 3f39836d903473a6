"""Reading the first request of a conversation, as people word it to somebody, into the picture that is wanted.

A prompt that is nothing but a scene is no business of this module. What is said around a scene ("I drive a bus for a
living. ...") is told from it by how people wish for something, and what is said of a thing apart from it ("..., fox on
the left") is said where the thing is.
"""

import re
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from imagerag.agent.follow_up.changes import change
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.new_picture import without_taken_back
from imagerag.agent.follow_up.opening_items import Item, Vocabulary, is_side
from imagerag.agent.follow_up.opening_scene import OpeningScene, Wanted
from imagerag.agent.follow_up.phrases import joined, phrases, words_of
from imagerag.agent.follow_up.scene_edit import CannotChange
from imagerag.agent.follow_up.wording import plainly, spellings_of_chats
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, colour_of, number_of

LONGEST = 60
"""Words of the longest request that is taken for talk; a longer one is the description of a scene."""
MOST_HEADING = 3
"""Words of the longest heading that names what is named again behind it."""
_ENDS = frozenset([".", "!", "?", ";"])
_LEADS = frozenset(["and", "so", "but", "then", "now", "well", "also", "oh", "ok", "okay", "just", "only", ","])
_COURTESY = frozenset(
    ["please", "thanks", "thank", "you", "for", "me", "us", "perhaps", "maybe", "cheers", ",", "now", "if", "possible"]
)
_ONE = frozenset(["it", "one", "that", "this", "them", "him", "her", "me", "us", "these", "those", "some", ""])
_SHORT = frozenset(["bday", "overhead", "w", "w/", "n", "pls", "plz", "please", "x2", "x3", "x4", "x5"])
_SEPARATORS = re.compile(r"\s(?:\||/|--|—|–)\s|\s\+\s")
_HEADING = re.compile(r"(?:[a-z' -]+)")
_SCENE_OF = re.compile(
    r"(?:[a-z-]+ ){0,3}(?:scene|picture|composition|image|drawing|poster|card|illustration) (?:with|of|showing|featuring) |"
    r"(?:once upon a time |long ago )?(?:, )?there (?:is|are|was|were|lived|once was|once lived) |once upon a time |"
    r"here (?:is|are|comes?) "
)
_SYNTAX = re.compile(r"[<>\[\]{}]|\b\w+:\d|::|\s--[a-z]|\bBREAK\b|negative prompt", re.IGNORECASE)
"""What prompts for other tools are written with."""
_REASONS = frozenset(
    ["for", "as", "to", "since", "because", "when", "if", "every", "on", "at", "in", "while", "it's", "that's", "given"]
)
"""Words with which a reason for a wish begins."""
_GREETING = re.compile(
    r"(?:good (?:morning|afternoon|evening|day|night)|hello|hi|hey|greetings|dear|thanks|ahoy|howdy|welcome|sorry|excuse|"
    r"happy|merry|congratulations|surprise|guess what|hooray|yay|wow|ok|okay|well|oh)\b"
)
_NOT_NAMES = frozenset(["draw", "make", "create", "generate", "me", "us", "please", "illustrate"])
"""What a wish may end with before a thing without an article; "paint brush" is a name."""
_NARRATED = re.compile(r"(?:^|\. |, )(?:we|you|i)(?: can| could)? see\b")
"""How the writers of long prompts tell what is in a picture, which is no talk."""
_TALKERS = ("i", "we", "you")


class Opening(NamedTuple):
    """What a first request was read as.

    Attributes:
        prompt: the picture that is wanted.
        note: one line that says so.
    """

    prompt: str
    note: str


@dataclass(frozen=True)
class _Tables:
    before: tuple[re.Pattern[str], ...]
    behind: re.Pattern[str]
    picture: re.Pattern[str]
    ends: tuple[re.Pattern[str], ...]
    purpose: re.Pattern[str]
    talk: frozenset[str]
    setting: re.Pattern[str]
    nothing: re.Pattern[str]
    row: re.Pattern[str]
    headings: frozenset[str]
    whom: re.Pattern[str]
    asks: frozenset[str]
    predicates: frozenset[str]


@lru_cache(maxsize=1)
def _tables() -> _Tables:
    data = tomllib.loads((Path(__file__).parent / "opening.toml").read_text(encoding="utf-8"))
    wishes, talk = data["wishes"], data["talk"]

    def filled(pattern: str) -> str:
        for _ in data["fragments"]:  # fragments may be made of others
            for name, fragment in data["fragments"].items():
                pattern = pattern.replace(f"{{{name}}}", fragment)
        return pattern

    def any_of(patterns: Sequence[str]) -> str:
        return "(?:" + "|".join(map(filled, patterns)) + ")"

    return _Tables(
        tuple(re.compile(rf"{filled(pattern)}(?!\S)") for pattern in wishes["before"]),
        re.compile(any_of(wishes["behind"])),
        re.compile(rf"^{wishes['picture']}"),
        tuple(re.compile(rf"{filled(pattern)}$") for pattern in wishes["ends"]),
        re.compile(wishes["purpose"]),
        frozenset(talk["words"]),
        re.compile(talk["settings"]),
        re.compile(any_of(talk["nothing"])),
        re.compile(talk["row"]),
        frozenset(talk["headings"]),
        re.compile(filled("{whom}")),
        frozenset(talk["asks"]),
        frozenset(talk["predicates"]),
    )


class _Wish(NamedTuple):
    """What a sentence wishes for.

    Attributes:
        wanted: the words of it.
        before: those that stand before the wish.
        at: whether the wish stands before what is wanted.
    """

    wanted: list[str]
    before: list[str]
    at: bool


def opened(request: str, names: Collection[str], known: Collection[str], *, talk_only: bool) -> Opening | None:
    """Return the picture that a first request asks for; ``None`` where it is to be drawn as it stands.

    Args:
        request: as typed.
        names: of the library.
        known: names of things, with those.
        talk_only: leave everything but talk as it is, as prompts for real models are written.
    """
    words = _words(request)
    if not words or len(words) > LONGEST or _SYNTAX.search(request) or _NARRATED.search(" ".join(words)):
        return None
    vocabulary = Vocabulary(names, known, _tables().headings)
    sentences = list(_split(words, _ENDS))
    reading = _Reading(vocabulary, talk_only)
    if reading.wished([part for sentence in sentences for part in _split(sentence, {":"})]):
        return reading.opening(request)
    if talk_only or _is_plain(request, words, vocabulary):
        return None
    reading = _Reading(vocabulary, talk_only)
    if not reading.told(sentences, words) or not (_has_signs(request) or reading.remarks or reading.lists):
        return None
    return reading.opening(request)


def _words(request: str) -> list[str]:
    """Return the words of a request, as they are spelt outside of chats; brackets and dashes are words."""
    text = re.sub(r"\bpl+e+a+s+e+\b", "please", request, flags=re.IGNORECASE)
    text = re.sub(r"\b(?:i\.e|e\.g)\.", " ", text)
    text = re.sub(r"([()|])", r" \1 ", text)
    text = re.sub(r"\s(?:--|—|–|/)\s|\s*\|\s*", " , ", text)
    text = re.sub(r"\n+", " . ", text)
    spellings = spellings_of_chats()
    found: list[str] = []
    for word in words_of(text):
        found += (word if word in _tables().headings else spellings.get(word, word)).split()
    found = without_taken_back(found)
    return [{"+": "and", "bday": "birthday", "@": "at", "vs": "and", "vs.": "and"}.get(word, word) for word in found]


def _split(words: Sequence[str], marks: Collection[str]) -> Iterator[list[str]]:
    part: list[str] = []
    depth = 0
    for word in words:
        depth += (word == "(") - (word == ")")
        if word in marks and depth <= 0:
            if part:
                yield part
            part = []
        else:
            part.append(word)
    if part:
        yield part


def _is_plain(request: str, words: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Tell whether a request is a scene that is read as it stands: of known things alone, each told of once."""
    things = parse_scene(request, vocabulary.names).objects
    unknown = [thing for thing in things if not vocabulary.name(thing.phrase.split())]
    repeated = len({thing.phrase for thing in things}) < len(things)
    pointing = {"it", "her", "him", "its", "them"} & set(words)
    return not (unknown or repeated or pointing or (_has_signs(request) and not _is_list(request)))


def _has_signs(request: str) -> bool:
    """Tell whether a request is more than one noun phrase, as far as its marks and short words tell."""
    typed = words_of(request)
    signs = _tables().talk - {"my"} | _SHORT | {":", ";", "(", "+", "all", "both", "there", ",", ".", "!"}
    inner = typed[:-1] if typed[-1:] in (["."], ["!"]) else typed
    return typed[:1] in (["in"], ["at"], ["deep"]) or bool(set(inner) & signs or _SEPARATORS.search(request))


def _is_list(request: str) -> bool:
    """Tell whether nothing but commas joins what a request names, which the grammar of prompts reads as well."""
    typed = set(words_of(request.rstrip(" .")))
    signs = _tables().talk - {"my"} | _SHORT | {":", ";", "(", "+", "all", "both", "there", "!", "."}
    return not (typed & signs or _SEPARATORS.search(request)) and words_of(request)[0] not in ("in", "at", "deep")


class _Reading:
    """Reads the sentences of one request.

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
        remarks = [text for text in dict.fromkeys(self.remarks) if re.search(r"[a-z0-9]", text)]
        told = " and ".join(repr(text) for text in remarks)
        taken = f"; {told} {'was' if len(remarks) == 1 else 'were'} taken as {'a remark' if len(remarks) == 1 else 'remarks'}"
        return Opening(prompt, f"read as {prompt!r}{taken if remarks else ''}")

    def _changed(self, prompt: str) -> str:
        """Return the prompt with the changes that the sentences behind the wish ask for; what asks for none is noted."""
        for sentence in self._further:
            if self._talk_only:
                if set(sentence) & _tables().talk:
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
        kept = _without_ends(words, purpose=False)
        kept = _without_ends(_without_purpose(kept, self._vocabulary), purpose=False) if purpose else kept
        text = " ".join(words).strip(" ,")[len(" ".join(kept)) :].strip(" ,")
        if text and not set(text.split()) <= _COURTESY:
            self.remarks.append(joined(text.split()))
        return kept

    # Requests with a wish.

    def wished(self, sentences: Sequence[Sequence[str]]) -> bool:
        """Read the sentences of which one wishes for something; tell whether one does."""
        wishes = [_wish_of(sentence, self._vocabulary, self._talk_only) for sentence in sentences]
        at = next(
            (
                k
                for k, wish in enumerate(wishes)
                if wish and " ".join(_without_ends(wish.wanted, purpose=True)) not in _ONE
            ),
            None,
        )
        if at is None:
            at = next((k for k, wish in enumerate(wishes) if wish is not None), None)
            return at is not None and not self._talk_only and self._meant(sentences, wishes, at)
        wish = wishes[at]
        assert wish is not None
        if any(self._describes(sentence, wish) for sentence in [*sentences[:at], wish.before] if sentence):
            return False
        if not self._take_wanted(wish, [*sentences[:at], wish.before]):
            return False
        self.remarks += [joined(sentence) for sentence in sentences[:at]]
        if wish.before:
            self.remarks.append(joined(wish.before))
        for sentence in sentences[at + 1 :]:
            self._take_further(sentence)
        return True

    def _describes(self, sentence: Sequence[str], wish: _Wish) -> bool:
        """Tell whether what stands before a wish may be a part of the picture: "a bay. Show the waves"."""
        said = set(sentence)
        if said & _tables().talk or sentence[0] in _REASONS or _GREETING.match(" ".join(sentence)):
            return False
        if self._talk_only:
            return True
        definite = wish.wanted[0] in ("the", "it", "its", "his", "her", "their", "them")
        return definite or not (self._is_noise(sentence) or not self._names_thing(sentence) or wish.at)

    def _take_wanted(self, wish: _Wish, earlier: Sequence[Sequence[str]]) -> bool:
        wanted = self._named(self._trimmed(wish.wanted, purpose=True), earlier)
        if not self._talk_only and wanted and _UNTOLD.match(" ".join(wanted)):
            return False
        if not wanted:
            return False
        text = joined(wanted)
        plain = _is_plain(text, wanted, self._vocabulary) and not (set(wanted) & {"our", "we", "i"})
        if self._talk_only or plain or _speaks_of_looks(text, self._vocabulary):
            self.raw = joined(wanted)
            self._is_kept = not plain or not self._read_all(wanted, guesses=True)
            return True
        if self._read_all(wanted, guesses=True):
            return True
        scene = self.scene.copy()
        item = Item(scene, wanted, self._vocabulary, guesses=True)
        if item.read() and not item.done and (rest := wanted[item.at :]) and _may_be_left(rest):
            self.scene.take(scene)
            self.remarks.append(joined(rest))
            return True
        self.raw = joined(wanted)
        return True

    def _named(self, wanted: list[str], earlier: Sequence[Sequence[str]]) -> list[str]:
        """Return "a camel with a cactus" of "one with a cactus", said behind a sentence on camels."""
        if self._talk_only or not wanted or wanted[0] != "one" or (wanted[1:] and wanted[1] not in _BEHIND_ONE):
            return wanted
        name = self._last_named(earlier)
        return ["a", *name.split(), *wanted[1:]] if name else wanted

    def _last_named(self, sentences: Sequence[Sequence[str]]) -> str:
        """Return the name of the library thing that sentences name last; a plural before a single one."""
        names = [
            (singular(sentence[end - 1]) != sentence[end - 1], number, end, length, self._vocabulary.name(words))
            for number, sentence in enumerate(sentences)
            for end in range(1, len(sentence) + 1)
            for length in (1, 2)
            if self._vocabulary.name(words := sentence[max(0, end - length) : end]) in self._vocabulary.names
        ]
        return max(names)[-1] if names else ""

    def _take_further(self, sentence: Sequence[str]) -> None:
        """Read what is said behind a wish: looks of what is wanted, something to leave out, or a remark."""
        gone = re.fullmatch(
            r"(?:but )?(?:without|no|not|minus|leave out) (?:the |a |an |any )?(?P<name>[a-z -]+?)(?: , .*)?",
            " ".join(sentence),
        )
        if gone and not self._talk_only and (at := self.scene.find(gone["name"])) is not None:
            self.scene.drop(at)
            self.raw = ""
            return
        before = len(self.scene.things)
        scene = self.scene.copy()
        if self._talk_only or (self.raw and self._is_kept):
            self._further.append(list(sentence))
            return
        if self._look(scene, sentence):
            self.scene.take(scene)
            self.raw = ""
            return
        scene = self.scene.copy()
        parts = list(_split(sentence, {","}))
        if all(self._look(scene, part) for part in parts) and len(scene.things) >= before:
            self.scene.take(scene)
            self.raw = ""
            return
        self._further.append(list(sentence))

    def _look(self, scene: OpeningScene, part: Sequence[str]) -> bool:
        item = Item(scene, _without_leads(part), self._vocabulary)
        begins = scene.copy()
        done = item.read() and item.done
        return done and (not item.new or scene.relations != begins.relations)

    def _meant(self, sentences: Sequence[Sequence[str]], wishes: Sequence[_Wish | None], at: int) -> bool:
        """Read a wish for "it", or for nothing that is named: what was spoken of before is wanted."""
        wish = wishes[at]
        assert wish is not None
        earlier = [*reversed(sentences[:at])] if not wish.before else [wish.before, *reversed(sentences[:at])]
        one = "one" in wish.wanted or "one" in sentences[at]
        if one and (name := self._last_named(earlier[::-1])):
            self.scene.add(Wanted(name))
            self.remarks.append(" . ".join(joined(sentence) for sentence in sentences))
            return True
        for sentence in earlier:
            if self._spoken_of(sentence):
                told = " . ".join(joined(one) for one in sentences)
                self.remarks.append(told)
                for further in sentences[at + 1 :]:
                    self._take_further(further)
                return True
        return False

    # Requests without one.

    def told(self, sentences: Sequence[Sequence[str]], words: Sequence[str]) -> bool:
        """Read the sentences of which none wishes; tell whether something could be made of them."""
        body = list(words)
        while ":" in body and _HEADING.fullmatch(" ".join(body[: body.index(":")])):
            body = body[body.index(":") + 1 :]
        if _speaks_of_looks(joined(body), self._vocabulary):
            return False
        exclaimed = _exclaimed(words)
        talks = bool(set(words) & _tables().talk - {"my"})
        ways = ((False, False), (True, False), (False, True)) if talks else ((False, False), (True, False))
        return any(self._attempt(sentences, exclaimed, guesses, spans) for guesses, spans in ways)

    def _attempt(
        self, sentences: Sequence[Sequence[str]], exclaimed: Collection[int], guesses: bool, spans: bool
    ) -> bool:
        """Read all sentences; tell whether all that names a thing was read, or was surely a remark.

        Args:
            sentences: without the marks between them.
            exclaimed: which of them end with "!".
            guesses: whether words that nobody knows may be things.
            spans: whether things may be taken out of a sentence that isn't read as a whole.
        """
        self.scene, self.remarks, self._further = OpeningScene(), [], []
        self._is_strict, self._is_alone = True, len(sentences) == 1
        pieces: list[tuple[list[str], bool, bool, bool]] = []
        for number, sentence in enumerate(sentences):
            cried = number in exclaimed and number + 1 < len(sentences)
            for part, heading in _headed(sentence):
                pieces.append((part, heading, cried or (number == 0 and len(sentences) > 1), cried))
        unread: list[list[str]] = []
        side = ""
        for at, (piece, heading, opens, cried) in enumerate(pieces):
            later = [one for one, *_ in pieces[at + 1 :]]
            piece = self._without_setting(self._trimmed(_without_leads(piece), purpose=not heading))
            piece = self._without_noise(
                _SCENE_OF.sub("", " ".join(piece), count=1).split() if _SCENE_OF.match(" ".join(piece)) else piece
            )
            if later and len(piece) > 1 and self._is_headline(piece) and not self._vocabulary.name(piece):
                unread.append(piece)
                continue
            if opens and len(piece) > 1 and self._names_thing(piece) and self._again(piece, later):
                unread.append(piece)
                continue
            if not piece or self._is_nothing(piece) or self._is_gone(piece):
                continue
            if piece[0].split("'")[0] in _THEY and self.scene.things and not heading:
                self._further.append(piece)
                continue
            if {"not", "no", "without", "never", "neither", "nor"} & set(piece) and not _is_remark(piece):
                return False
            if heading and (side := _side_of(piece)):
                continue
            before, remarks = self.scene.copy(), list(self.remarks)
            shares = heading and any(_is_shares(one) for one in later[:1])
            first = piece[: piece.index(",")] if "," in piece else piece
            wishing = [part for part in _split(piece, {","}) if part == first or set(part) & _tables().asks]
            speaks = {word.split("'")[0] for part in wishing for word in part} & {*_TALKERS, "me", "us"}
            owned = piece[0] in ("my", "our", "your") and {"is", "was", "are", "goes", "has", "had"} & set(first)
            read = not (speaks or owned) and self._read_all(piece, guesses=(guesses and not cried) or shares)
            if read and heading and not self._goes_on_from(before, later):
                self.scene, self.remarks, read = before, [*remarks, joined(piece)], True
            elif read and side:
                self.scene.sides[len(self.scene.things) - 1] = side
            side = ""
            if read:
                continue
            known = self._names_thing(piece)
            bare = not (set(piece) & (ARTICLES | {",", "and", "with"}) or any(map(number_of, piece)))
            known = known and not (cried and bare)
            named = self._is_headline(piece) or (cried and not known) or (opens and self._again(piece, later))
            if heading or named or _is_remark(piece) or self._is_noise(piece):
                unread.append(piece)
                continue
            if spans:
                unread.append(piece)
                continue
            return False
        if not self.scene.things:
            if not spans or not self._ranked(unread):
                return False
            return True
        self.remarks += [joined(piece) for piece in unread]
        return bool(self.scene.things)

    def _without_setting(self, piece: Sequence[str]) -> list[str]:
        """Leave out in what place it is at the beginning: "in jungle, three monkeys"."""
        text = " ".join(piece)
        found = re.match(
            r"(?:deep |far |high |down )?(?:in|at) (?:the |a |an |our |my )?(?P<place>[a-z]+)(?: ,| (?:live|lives|lived|"
            r"there (?:is|are|was|were)|sits?|stands?|is|are)) ",
            text,
        )
        alone = re.fullmatch(r"(?:deep|far|high|down) in (?:the |a )?[a-z]+", text)
        if alone or (found and self._vocabulary.name([found["place"]]) not in self._vocabulary.names):
            cut = len(text) if alone or not found else found.end()
            self.remarks.append(text[:cut].strip(" ,"))
            return text[cut:].split()
        return list(piece)

    def _without_noise(self, piece: Sequence[str]) -> list[str]:
        """Leave out a sound at the beginning: "huhuuu a ghost"."""
        left = list(piece)
        while len(left) > 1 and re.search(r"([a-z])\1\1", left[0]) and not self._names_thing(left[:1]):
            self.remarks.append(left[0])
            left = left[1:]
        return left

    def _is_gone(self, piece: Sequence[str]) -> bool:
        """Take out what is not to be there: "no globe"."""
        if piece[0] not in ("no", "without", "minus") or (at := self.scene.find(" ".join(piece[1:]))) is None:
            return False
        self.scene.drop(at)
        return True

    def _is_headline(self, piece: Sequence[str]) -> bool:
        return piece[-1] in _tables().headings

    def _is_noise(self, piece: Sequence[str]) -> bool:
        """Tell whether words only sound: "brum brum", "rooooar"."""
        text = " ".join(piece)
        return bool(re.fullmatch(r"(\S+)(?: \1)+", text) or re.search(r"([a-z])\1\1", text)) and not self._names_thing(
            piece
        )

    def _again(self, piece: Sequence[str], later: Sequence[Sequence[str]]) -> bool:
        """Tell whether the things that a heading names are named again: "Frog prince. green frog"."""
        behind = {word for one in later for word in one}
        return len(piece) <= MOST_HEADING and any(self._vocabulary.name([word]) and word in behind for word in piece)

    def _names_thing(self, piece: Sequence[str]) -> bool:
        return any(self._vocabulary.name(piece[at : at + 1]) for at in range(len(piece))) or any(
            colour_of(word) for word in piece
        )

    def _goes_on_from(self, before: OpeningScene, later: Sequence[Sequence[str]]) -> bool:
        """Tell whether what follows speaks of the things of a heading: "ring, bouquet: ring left"."""
        mine = set(range(len(before.things), len(self.scene.things)))
        if not mine:
            return True
        for following in later:
            item = Item(self.scene.copy(), following, self._vocabulary, guesses=True)
            if item.read() and (mine & set(item.told) or (not item.told and item.done)):
                return True
            if set(item.scene.sides) - set(self.scene.sides) and not item.scene.relations:
                return len(item.scene.sides) == 1 or len(mine) == 1 and item.scene.sides.get(item.told[0]) != "middle"
        return False

    def _is_nothing(self, piece: Sequence[str]) -> bool:
        text = " ".join(piece)
        if self.scene.things and _tables().row.fullmatch(text):
            self.scene.in_a_row()
            return True
        return _tables().nothing.fullmatch(text) is not None

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
        left, aside = _without_brackets(words)
        remarks += aside
        left, row = self._without_asides(left, remarks)
        if not left:
            return False
        while left:
            while left and left[0] in _LEADS:
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
                    or _tables().nothing.fullmatch(" ".join(rest))
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
        tables, kept, row = _tables(), list[str](), False
        parts = list(_split(words, {","}))
        for part in parts:
            text = " ".join(part)
            if tables.row.fullmatch(text):
                row = True
                continue
            talks = _is_remark(part) and (part[0] == "which" or not self._names_thing(part))
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
        return first in _tables().predicates or (
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

    def _spoken_of(self, sentence: Sequence[str]) -> bool:
        """Take the things that a sentence speaks of, where it is no more than a remark, or a story."""
        sentence = (
            _SCENE_OF.sub("", " ".join(sentence), count=1).split() if _SCENE_OF.match(" ".join(sentence)) else sentence
        )
        return self._read_all(sentence, guesses=False) or self._spans(sentence)

    def _ranked(self, sentences: Sequence[Sequence[str]]) -> bool:
        """Take the things of the clause that most likely wishes for them; tell whether any can be told."""
        found: list[tuple[float, OpeningScene, list[str]]] = []
        clauses = [(number, clause) for number, sentence in enumerate(sentences) for clause in _clauses(sentence)]
        for number, clause in clauses:
            asked = bool(_tables().asks & set(clause)) or any(word.endswith("'d") for word in clause)
            for at in range(len(clause)):
                counted = clause[at] in ("a", "an") or bool(number_of(clause[at]))
                item = Item(OpeningScene(), list(clause[at:]), self._vocabulary, guesses=asked and counted)
                if not item.read() or not item.new:
                    continue
                before = clause[at - 1] if at else ""
                first = clause[at]
                score = 2.0 * asked + 0.5 * number - 0.02 * at
                score += 1.0 if first in ("a", "an") or number_of(first) else 0.0
                score -= 1.0 if first in _OWNED else 0.0
                objects = asked and before in ("for", "to", "of", "like")
                score -= 1.5 if before in _OWNED or (before in _NOT_BEHIND and not objects) else 0.0
                score -= 0.5 if not at and len(clause) > item.at and not asked else 0.0
                found.append((score, item.scene, list(clause)))
        if not found:
            return False
        _, scene, clause = max(found, key=lambda one: one[0])
        self.scene.take(scene)
        self.remarks.append(" . ".join(joined(sentence) for sentence in sentences))
        return True

    def _spans(self, clause: Sequence[str]) -> bool:
        scene, at, found = self.scene.copy(), 0, False
        skipped: list[str] = []
        while at < len(clause):
            before = clause[at - 1] if at else ""
            item = Item(scene.copy(), list(clause[at:]), self._vocabulary)
            if before not in _NOT_BEHIND and item.read() and item.told:
                scene, found = item.scene, True
                at += item.at
            elif before in _NOT_BEHIND and item.read() and item.told:
                at += max(item.at, 1)
            else:
                skipped.append(clause[at])
                at += 1
        if found:
            self.scene.take(scene)
            self.remarks.append(joined(clause))
        return found


_THEY = frozenset(["he", "she", "it", "they", "he's", "she's", "it's", "they're", "that", "which"])
_POSTURED = frozenset(
    ["walking", "standing", "sitting", "sleeping", "running", "flying", "playing", "dancing", "landed"]
)
_OWNED = frozenset(["my", "our", "your", "the", "his", "her", "their", "this", "that"])
_BEHIND_ONE = frozenset(["with", "in", "on", "wearing", "holding", "riding", "under", "next", "beside", "behind"])
_UNTOLD = re.compile(
    r"(?:like )?(?:this|that|these|those|it|them|one|something|anything|like)\b(?! [a-z]+ (?:of|with))"
)
_NOT_BEHIND = frozenset(["for", "in", "at", "by", "to", "of", "like", "from", "into", "my", "our"])


def _restart(scene: OpeningScene, words: Sequence[str]) -> None:
    """Forget what was told before "just", which names all that is wanted."""
    kept = {scene.find(word) for at, word in enumerate(words) if not at or words[at - 1] not in ("a", "an")}
    for at in reversed(range(len(scene.things))):
        if at not in kept:
            scene.drop(at)


def _headed(sentence: Sequence[str]) -> Iterator[tuple[list[str], bool]]:
    """Yield the parts of a sentence at colons; whether something follows each of them."""
    parts = list(_split(sentence, {":"}))
    for at, part in enumerate(parts):
        yield part, at + 1 < len(parts)


def _side_of(words: Sequence[str]) -> str:
    inner = [word for word in words if word not in ("on", "the", "to", "at", "side")]
    return inner[0] if len(inner) == 1 and is_side(inner[0]) else ""


def _without_leads(words: Sequence[str]) -> list[str]:
    left = list(words)
    while left and left[0] in _LEADS - {"just", "only"} | {"please", "thanks", "hello", "hi", "hey"}:
        left = left[1:]
    return left


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


_TURNS = frozenset(
    [
        "i",
        "we",
        "you",
        "he",
        "she",
        "it",
        "they",
        "so",
        "and",
        "but",
        "which",
        "who",
        "if",
        "for",
        "because",
        "could",
        "would",
        "can",
        "may",
        "please",
        "my",
        "our",
    ]
)


def _clauses(sentence: Sequence[str]) -> Iterator[list[str]]:
    """Yield the clauses of a sentence, at commas and where somebody begins to speak of something else."""
    part: list[str] = []
    for at, word in enumerate(sentence):
        turn = word in ("so", "but", "because") or (
            word == "and" and sentence[at + 1 : at + 2] and sentence[at + 1].split("'")[0] in _TALKERS
        )
        behind = sentence[at + 1].split("'")[0] if sentence[at + 1 :] else ""
        if word == ":" or turn or (word == "," and behind in _TURNS):
            if part:
                yield part
            part = []
        else:
            part.append(word)
    if part:
        yield part


def _without_ends(words: Sequence[str], purpose: bool) -> list[str]:
    """Leave out what a wish ends with: "please", "if you have one handy", "for my daughter"."""
    tables = _tables()
    text = " ".join(words).strip(" ,")
    for _ in range(4):
        before = text
        for pattern in (*tables.ends, *((re.compile(rf"{tables.purpose.pattern}$"),) if purpose else ())):
            cut = pattern.search(text)
            if cut and cut.start() > 0:
                text = text[: cut.start()].strip(" ,")
        if text == before:
            break
    return text.split()


def _without_brackets(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Leave out brackets that hold no look; return the rest, and what was left out."""
    kept: list[str] = []
    asides: list[str] = []
    at = 0
    while at < len(words):
        if words[at] == "(" and ")" in words[at:]:
            end = words.index(")", at) if isinstance(words, list) else list(words).index(")", at)
            inner = list(words[at + 1 : end])
            if colour_of(" ".join(inner)):
                kept += ["(", *inner, ")"]
            else:
                asides.append(joined(inner))
            at = end + 1
        else:
            kept.append(words[at])
            at += 1
    return kept, asides


def _is_remark(part: Sequence[str]) -> bool:
    """Tell whether words speak of somebody, as those do that are said in passing: "she is cute", "we've decided"."""
    heads = {word.split("'")[0] for word in part}
    denied = any(word.endswith("n't") for word in part)
    return bool(heads & {*_TALKERS, "he", "she", "they"}) or denied or (part[0] == "it" and len(part) > 1)


def _is_shares(piece: Sequence[str]) -> bool:
    """Tell whether a part says how many have which colour: "1 red, 1 green"."""
    inner = [word for word in piece if word not in (",", "and")]
    return len(inner) > 2 and all(
        number_of(inner[at]) and colour_of(inner[at + 1]) for at in range(0, len(inner) - 1, 2)
    )


def _exclaimed(words: Sequence[str]) -> set[int]:
    """Return the numbers of the sentences that end with "!"."""
    ends = [
        word for at, word in enumerate(words) if word in _ENDS and words[at - 1 : at] and words[at - 1] not in _ENDS
    ]
    return {number for number, word in enumerate(ends) if word == "!"}


def _speaks_of_looks(prompt: str, vocabulary: Vocabulary) -> bool:
    """Tell whether a prompt says how a picture is made, or what is not in it, which a list of things has no room for."""
    scene = parse_scene(prompt, vocabulary.names)
    modifiers = [text for text in scene.modifiers if not any(is_side(word) or colour_of(word) for word in text.split())]
    named = set(prompt.split()) & phrases().styles
    return bool(scene.styles or modifiers or scene.background or scene.absent or named)


def _may_be_left(rest: Sequence[str]) -> bool:
    return rest[0] == "," and (_is_remark(rest) or len(rest) < 2)


def _setting_left(rest: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Tell whether words say in what place a thing is that nobody can draw: "in our garden"."""
    if _tables().setting.fullmatch(" ".join(rest)) is None:
        return False
    return not any(vocabulary.name(rest[at:]) in vocabulary.names for at in range(1, len(rest)))


_ASKS = frozenset(["i", "we", "i'd", "i'm", "we'd", "we're", "could", "may", "can", "might", "would"])


def _goes_before_things(frame: Sequence[str], behind: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Tell whether the words of a wish may stand before what follows: "show a kitten", and not "show jumping"."""
    if not behind or len(frame) > 1 and frame[-1] != "up":
        return True
    first = behind[0]
    verb = frame[-1]
    joint = {f"{verb}{first}", f"{verb} {first}"} & set(vocabulary.names)
    if verb in ("bring", "show", "get") and vocabulary.name([first]) and not joint:
        return True
    return frame[-1] in _NOT_NAMES or first in ARTICLES or bool(number_of(first)) or first in (",", ":", *_ONE)


def _wish_of(sentence: Sequence[str], vocabulary: Vocabulary, talk_only: bool = False) -> _Wish | None:
    """Return what a sentence wishes for; ``None`` where it wishes for nothing."""
    if sentence[0] in _REASONS:
        asks = [at for at, word in enumerate(sentence) if at and word in _ASKS]
    else:
        asks = []
    begins = [
        0,
        *asks,
        *(at + 1 for at, word in enumerate(sentence) if word in (",", ":", "so", "but", "and", "which", "then")),
    ]
    for at in begins:
        rest = list(sentence[at:])
        while rest and rest[0] in _LEADS - {"just", "only", "do"}:
            rest, at = rest[1:], at + 1
        if not rest or (at and sentence[at - 1] == "and" and rest[0] not in (*_TALKERS, "i'd", "we'd", "could", "may")):
            continue
        text = " ".join(rest)
        for pattern in _tables().before:
            found = pattern.match(text)
            if (
                found
                and found.end()
                and _goes_before_things(text[: found.end()].split(), text[found.end() :].split(), vocabulary)
            ):
                wanted = text[found.end() :].strip(" ,:")
                if wanted.startswith("to "):
                    continue  # "my son wants to be an astronaut"
                if not talk_only:
                    wanted = _tables().picture.sub("", wanted, count=1)
                return _Wish(wanted.split(), list(sentence[:at]), at=True)
    for at, guesses in [*((at, False) for at in begins), *((at, True) for at in reversed(begins))]:
        rest = list(sentence[at:])
        while rest and rest[0] in _LEADS | {"is", "are", "would", "could", "might"}:
            rest, at = rest[1:], at + 1
        for end in range(1, len(rest)):
            if _tables().behind.fullmatch(" ".join(rest[end:])) is None:
                continue
            wanted = rest[:end]
            while wanted and wanted[-1] == ",":
                wanted = wanted[:-1]
            if not wanted or _tables().whom.fullmatch(" ".join(wanted)):
                continue
            item = Item(OpeningScene(), wanted, vocabulary, guesses=guesses and (at == 0 or wanted[0] in ARTICLES))
            if item.read() and item.done and set(sentence) & (_tables().talk | {"please", "what", "order", "needed"}):
                return _Wish(wanted, list(sentence[:at]), at=False)
    return None
