"""A picture that is being changed: its scene, what "it" is, and what was touched last."""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType

from imagerag.agent.follow_up.phrases import phrases, starts_with
from imagerag.agent.follow_up.scene_edit import HoldsNoMore, Item, bearer, items_of, with_items
from imagerag.agent.follow_up.things import Found, find
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.noun_phrase import MAX_INSTANCES, SceneObject, article
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.scene import MORE, Scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, colour_of

_OF_OTHERS = frozenset(["its", "his", "her", "their"])
"""What is of a thing that is there is no thing to add: "its left hand"."""
_OPEN_ENDS = frozenset(
    ["behind", "beside", "above", "below", "under", "underneath", "beneath", "with", "near", "in", "on", "of"]
)
_POINTS = frozenset(["the", "this", "that", "these", "those"])
BODY_PARTS = frozenset(
    ["tail", "tails", "ears", "hair", "fur", "wings", "legs", "arms", "fingers", "toes", "teeth", "horns", "whiskers"]
)
SHORTEST_RUN_TOGETHER = 4
"""Letters of the shortest name of two words that is known by being typed as one."""
LONGEST_THING = 12
"""Words of the longest thing that is added."""
BACKGROUND = "background"


@dataclass
class Edit:
    """One picture under change.

    Attributes:
        scene: all but the things: background, styles, modifiers.
        items: the things, as they are said.
        names: names of things that the grammar keeps whole.
        known: names of things, by which words without an article are taken for things.
        it: what "it" is; the first thing of the picture unless this request has named another.
        latest: what was changed last, in this request or the one before: a thing's phrase, ``background``, or nothing.
        changed: whether anything was changed so far.
        newest: the phrase of what the request before has added; empty where it added nothing.
        before: the scene that the request before has changed into this one; ``None`` where there is none.
        past: the scenes of earlier pictures of the thread, oldest first.
        touched: the things as the request before has changed or added them.
        passed_over: what of the request was taken for a remark, or can't be drawn, and is told.
        reader: reads words as one change; set by ``changes``, for those that are said in terms of others.
    """

    scene: Scene
    items: list[Item]
    names: Collection[str]
    known: Collection[str]
    it: str = ""
    latest: str = ""
    changed: bool = False
    newest: str = ""
    before: Scene | None = None
    past: tuple[Scene, ...] = ()
    touched: Sequence[Item] = ()
    passed_over: list[str] = field(default_factory=list)
    reader: Callable[["Edit", Sequence[str]], bool] | None = None

    @classmethod
    def of(
        cls,
        prompt: str,
        names: Collection[str],
        known: Collection[str],
        before: str | None = None,
        past: Sequence[str] = (),
    ) -> "Edit":
        """Begin to change the picture of a prompt.

        Args:
            prompt: of the picture.
            names, known: see above.
            before: the prompt of the one of which it is a change.
            past: prompts of the thread's pictures, oldest first.
        """
        scene = parse_scene(prompt, names)
        items = items_of(scene)
        old = None if before is None else parse_scene(before, names)
        latest = "" if old is None else changed_between(old, scene)
        looks = [] if old is None else [replace(thing, count=1) for thing in old.objects]
        new = [] if old is None else [item for item in items if replace(item.thing, count=1) not in looks]
        phrases_of_old = {thing.phrase for thing in old.objects} if old is not None else None
        newest = latest if phrases_of_old is not None and latest not in {BACKGROUND, *phrases_of_old} else ""
        scenes = tuple(old if text == before and old is not None else parse_scene(text, names) for text in past)
        return cls(scene, items, names, known, latest=latest, newest=newest, before=old, past=scenes, touched=new)

    @property
    def main(self) -> int:
        """The place of what "it" is."""
        return self.place_of(self.it) or 0

    def read(self, words: Sequence[str]) -> bool:
        """Make the change that words ask for, said in other words, and tell whether they were read as one."""
        assert self.reader is not None
        return self.reader(self, words)

    def place_of(self, phrase: str) -> int | None:
        """Return the place of the last thing of that phrase, of several that which the request before has changed."""
        if len(touched := [item for item in self.touched if item.thing.phrase == phrase]) == 1:
            exact = [at for at, item in enumerate(self.items) if item.thing == touched[0].thing]
            if len(exact) == 1:
                return exact[0]
        return next((at for at in reversed(range(len(self.items))) if self.items[at].thing.phrase == phrase), None)

    def described(self) -> str:
        """Return the prompt of the changed picture.

        Raises:
            CannotChange: it would show nothing, or more than a picture holds.
        """
        return with_items(self.scene, self.items).describe()

    def find(self, words: Sequence[str], *, loosely: bool = True) -> Found | None:
        """Return what words name in the picture; ``loosely``: by keywords of the library as well."""
        if not self.items:
            return None
        latest = self.place_of(self.latest) if self.latest else None
        if latest is not None and list(words) in (["them"], ["they"]) and self.items[latest].thing.count > 1:
            return Found(list(self.items), [latest], pronoun=True)
        other = None if latest is None else bearer(self.items, latest)
        return find(words, self.items, self.main, other, loosely=loosely)

    def take(self, items: Sequence[Item], touched: int | None = None) -> None:
        """Put the changed things in place; ``touched`` is what later words call "it"."""
        with_items(self.scene, items)  # what can't be a picture is refused here
        self.items = list(items)
        self.changed = True
        if touched is not None:
            self.it = self.latest = self.items[touched].thing.phrase

    def touch(self, place: int) -> None:
        self.it = self.latest = self.items[place].thing.phrase

    def take_scene(self, scene: Scene, latest: str = "") -> None:
        """Put the changed background, style or modifiers in place."""
        self.scene = scene
        self.changed = True
        self.latest = latest or self.latest

    def thing_of(self, words: Sequence[str], *, bare: bool = False) -> list[Item] | None:
        """Read a new thing, with what it wears and holds; ``None`` if the words are no name of one.

        Args:
            words: "a red hat", "a cat with a bell".
            bare: words without an article are a thing only if it is a known one.

        Raises:
            HoldsNoMore: they are more of it than a picture holds.
        """
        said = phrases()
        if words[:1] == ["another"]:
            words = ["a", *words[1:]]
        inner = [word for word in words if word not in ARTICLES]
        if "colour" in inner or "color" in inner:
            words = _colour_first(words)
            inner = [word for word in words if word not in ARTICLES]
        whole = " ".join(inner)
        if not inner or len(words) > LONGEST_THING or any(word in said.no_things for word in inner):
            return None
        if whole not in self.names and (said.abstract & set(inner) or _OF_OTHERS & set(words)):
            return None
        if words[-1] in _OPEN_ENDS and whole not in self.names:
            return None  # "a rainbow behind" says where, of something that is left out
        if self._holds_more(words) or starts_with(words, tuple(relation for relation, _ in said.relations)):
            return None
        if colour_of(" ".join(inner)) and inner == list(words):
            return None
        if bare and words[0] not in said.indefinite | ARTICLES and not self.knows(inner):
            return None
        scene = parse_scene(" ".join(words), self.names)
        if not scene.objects or any(item.joint == "and" for item in items_of(scene)[1:]):
            return None
        if left := sum(int(found[1]) for more in scene.dropped if (found := MORE.fullmatch(more))):
            total = left + sum(thing.count for thing in scene.objects)
            raise HoldsNoMore(f"{total} things are more than the {MAX_INSTANCES} that one picture holds")
        if words[0] in _POINTS and any(item.thing.phrase == scene.objects[0].phrase for item in self.items):
            return None  # "the fish on the right", of a picture with a fish, is that one
        if scene.objects[0].phrase not in self.names and scene.objects[0].phrase.split()[-1] in BODY_PARTS:
            return None  # "a fluffy tail" is of somebody, and nothing that can be drawn by itself
        if words[0] not in ARTICLES or words[0] == "some":  # "stars" and "some stars" are more than one
            scene = replace(scene, objects=tuple(_several(thing, self.known, self.names) for thing in scene.objects))
        for word in scene.modifiers:
            if word not in self.scene.modifiers:
                self.scene = replace(self.scene, modifiers=(*self.scene.modifiers, word))
        return items_of(scene)

    def _holds_more(self, words: Sequence[str]) -> bool:
        """Tell whether words hold more than one thing's name: "a tie and the dog a hat"."""
        if " ".join(word for word in words if word not in ARTICLES) in self.names:
            return False
        if "and" in words or "," in words:
            return True
        connectors = {said[-1] for said, _ in phrases().relations} | {"of", "with", "wearing", "holding", "carrying"}
        return any(word in ("a", "an", "the") and words[at] not in connectors for at, word in enumerate(words[1:]))

    def knows(self, words: Sequence[str]) -> bool:
        """Tell whether words are the name of a thing that is known, as far as their noun goes."""
        things = parse_scene(" ".join(words), self.names).objects
        return bool(things) and all(is_known(thing.phrase, self.known) for thing in things)


def is_known(phrase: str, known: Collection[str]) -> bool:
    """Tell whether a phrase, or its noun, is a known name."""
    head = phrase.split()[-1]
    return any(form in known for form in (phrase, singular(phrase), head, singular(head)))


def _several(thing: SceneObject, known: Collection[str], names: Collection[str]) -> SceneObject:
    """Read a plural without a number as two; a pair, and what is called by a plural, is one."""
    one = singular(thing.phrase)
    paired = thing.phrase.split()[-1] in phrases().pairs or f"{one.split()[-1]}s" in phrases().pairs
    if paired:
        return replace(thing, phrase=one if one in names and thing.phrase not in names else thing.phrase, count=1)
    if thing.phrase in names:
        return thing
    return replace(thing, phrase=one, count=2) if one != thing.phrase and one in known and thing.count == 1 else thing


def _colour_first(words: Sequence[str]) -> list[str]:
    """Put "a hat of colour red" as "a red hat"."""
    kept = [word for word in words if word not in ("colour", "color", "of", "in")]
    if len(kept) > 1 and colour_of(kept[-1]):
        first = 1 if kept[0] in ARTICLES else 0
        return [*kept[:first], kept[-1], *kept[first:-1]]
    return kept


def changed_between(before: Scene, after: Scene) -> str:
    """Return what differs: the phrase of a thing, ``background``, or nothing."""
    if before.background != after.background:
        return BACKGROUND
    old = items_of(before)
    names = {item.thing.phrase for item in old}
    changed = [item.thing for item in items_of(after) if item not in old]
    looks = [thing for thing in changed if thing not in [item.thing for item in old]]
    new = [thing for thing in looks if thing.phrase not in names]
    told = new or looks or changed  # of "a bird above a dog", made of "a dog", the dog has not changed
    return told[-1].phrase if told else ""


def _with_article(found: re.Match[str], name: str) -> str:
    return f"{article(name)} {name}" if found["a"] else name


def run_together(names: Collection[str]) -> dict[str, str]:
    """Return names by how they are typed in one word: "t-rex" by "trex", "teddy bear" by "teddybear"."""
    parted = (name for name in names if re.fullmatch(r"[a-z]+(?:[ -][a-z]+)+", name))
    typed = {re.sub(r"[ -]", "", name): name for name in parted}
    return {word: name for word, name in typed.items() if word not in names and len(word) >= SHORTEST_RUN_TOGETHER}


def in_words(
    text: str,
    known: Collection[str],
    typed: Mapping[str, str] = MappingProxyType({}),
    kept: Collection[str] = frozenset(),
) -> str:
    """Put pictograms of known things in words by their Unicode names: "add a (balloon sign)" as "add a balloon".

    Args:
        text: of a request.
        known: names of things.
        typed: names by how they are typed in one word.
        kept: names that stay as they are, since things of the picture are called so.
    """
    said = []
    for letter in text:
        name = unicodedata.name(letter, "").lower() if ord(letter) >= 0x2190 else ""
        said.append(f" {name} " if name in known else "" if name.startswith("variation selector") else letter)
    words = "".join(said)
    for alias, name in phrases().aliases.items():
        if alias in words and alias not in known and alias not in kept and name in known:
            words = re.sub(rf"\b(?:(?P<a>an?) )?{alias}(?=s?\b)", partial(_with_article, name=name), words)
    if not typed:
        return words

    def parted(found: re.Match[str]) -> str:
        word = found[0].lower()
        one = word.removesuffix("s")
        return typed.get(word) or (f"{typed[one]}s" if one in typed else found[0])

    return re.sub(r"[A-Za-z]{4,}", parted, words)
