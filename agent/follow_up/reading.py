"""Reading a follow-up: talk, another picture of the thread, a change of it, or a new picture."""

import re
from collections.abc import Callable, Collection, Sequence
from functools import cached_property

from imagerag.agent.follow_up import pictures
from imagerag.agent.follow_up.changes import KEPT, LONGEST, change, points_back
from imagerag.agent.follow_up.edit import Edit, in_words, is_known
from imagerag.agent.follow_up.phrases import phrases, starts_with, with_verb_spelt, without_courtesy, words_of
from imagerag.agent.follow_up.scene_edit import CannotChange
from imagerag.agent.follow_up.talk import answer, kind_of_talk, listed, not_understood
from imagerag.agent.protocols import Brief, PastImage
from imagerag.errors import UserError
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, number_of

_NEW = ("new picture", "a new picture", "new image", "a new image", "something else", "something different", "a different picture", "a totally different picture", "a completely different picture", "something completely different", "next", "next picture", "next one", "new one", "a new one", "start over with", "start over", "start again with", "start fresh with", "start anew with", "forget that", "forget it", "forget everything", "forget this", "scrap that", "new topic", "new prompt", "new", "different picture", "another picture", "begin again with", "now something else", "and now for something completely different", "new drawing", "from scratch", "start from scratch", "restart with", "scrap it", "totally new")  # fmt: skip
_OF = (
    ("a", "picture", "of"),
    ("an", "image", "of"),
    ("a", "drawing", "of"),
    ("picture", "of"),
    ("image", "of"),
    ("a", "new", "picture", "of"),
    ("the", "picture", "of"),
    ("a", "photo", "of"),
    ("with",),
    ("of",),
    ("just",),
    ("for", "me"),
    ("me",),
    ("us",),
)
_OTHERWISE = frozenset(
    "with a an but the in and another different new other pose seed look version way this time please angle".split()
)
"""Words behind "try again" that ask for nothing more than that."""
_QUESTIONS = frozenset(
    [
        "what",
        "why",
        "how",
        "who",
        "where",
        "when",
        "which",
        "is",
        "are",
        "does",
        "do",
        "did",
        "was",
        "were",
        "am",
        "has",
        "have",
        "whose",
    ]
)
_ADJECTIVES = ("y", "ing", "ed", "ic", "al", "ful", "ous", "ish", "an", "ive")
_SIDES_OF_A_CHANGE = frozenset(["it", "him", "her", "them", "they", "its", "his", "their", "itself"])


class FollowUps:
    """Reads requests in a thread that has pictures.

    Args:
        names: names that the prompt grammar keeps whole.
        known: returns names of things, by which words without an article are taken for a picture that is wanted.
    """

    def __init__(self, names: Collection[str], known: Callable[[], Collection[str]] = frozenset) -> None:
        self._names = names
        self._load_known = known

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self._names) | frozenset(self._load_known()) | phrases().places

    def brief(self, request: str, history: Sequence[PastImage]) -> Brief:
        """Return what a request asks for after the images in ``history``.

        Raises:
            UserError: it points back at an image, and the thread has none.
        """
        words = words_of(in_words(request, self._known))
        standing = standing_of(history)
        text = " ".join(without_courtesy(words))
        whole = " ".join(words).strip(" .!?,;:")
        talk = kind_of_talk(whole) or kind_of_talk(text)
        if not history:
            if talk:
                return _talk(talk, None)
            return self._first(request, words, text)
        if pictures.is_undo(text) or pictures.is_undo(whole):
            return _stepped(history, standing, back=True)
        if (pictures.is_redo(text) or pictures.is_redo(whole)) and standing is not None and standing.after:
            return _stepped(history, standing, back=False)
        if pictures.is_fresh_start(text) or pictures.is_fresh_start(whole):
            return Brief(
                "", answer='A fresh start: nothing of the earlier pictures is kept. Say what to draw, or "undo".'
            )
        if talk:
            return _talk(talk, standing)
        if (new := self._new(words)) is not None:
            return Brief(new)
        try:
            pointed = pictures.pointed_at(without_courtesy(words), history, standing)
        except pictures.NoSuchPicture as error:
            shown = standing or history[-1]
            return Brief(
                shown.prompt,
                shown.id if standing else None,
                answer=not_understood(request, shown, f"{error}; it has {listed(history)}"),
            )
        if pointed is not None:
            base, rest = pointed
            if not rest:
                return Brief(
                    base.prompt, base.id, answer=f"Back at {base.id}, {base.prompt!r}. Later changes go on from it."
                )
        elif standing is None:
            return Brief(request)
        else:
            base, rest = standing, words
        return self._changed(request, rest, base, history)

    def _changed(self, request: str, words: Sequence[str], base: PastImage, history: Sequence[PastImage]) -> Brief:
        text = " ".join(without_courtesy(words))
        if many := pictures.variations(text):
            return _varied(base, many)
        if pictures.is_again(text):
            return Brief(base.prompt, base.id, keep_seed=False)
        keep_seed = True
        for lead in (
            "another try",
            "another one",
            "try again",
            "one more try",
            "do it again",
            "again",
            "once more",
            "redo it",
            "draw it again",
        ):
            if text.startswith(f"{lead} ") and text.removeprefix(lead).split()[0] in (
                ",",
                "but",
                "with",
                "without",
                "in",
                "and",
                "on",
                "this",
                ":",
                "please",
            ):
                words, keep_seed = text.removeprefix(lead).split(), False
                if set(words) <= _OTHERWISE:
                    return Brief(base.prompt, base.id, keep_seed=False)
                while words and words[0] in (",", "but", "and", ":", "this", "time", "please"):
                    words = words[1:]
                break
        before = next((image.prompt for image in history if image.id == base.before), None)
        edit = Edit.of(base.prompt, self._names, self._known, before)
        try:
            unread = change(edit, list(words))
            if not unread:
                return Brief(edit.described(), base.id, keep_seed=keep_seed)
        except CannotChange as error:
            return Brief(base.prompt, base.id, answer=not_understood(request, base, str(error)))
        if self._stands_for_itself(words, Edit.of(base.prompt, self._names, self._known)):
            bare = without_courtesy(words, KEPT)
            return Brief(request if bare == words_of(request) or "\n" in request else _said(bare))
        whole = " ".join(words).strip(" .!?,;:")
        talk = kind_of_talk(whole, exactly=False) or kind_of_talk(text, exactly=False)
        if talk is None and words and words[0] in _QUESTIONS and "?" in words[-1:]:
            talk = "what"
        if talk:
            return _talk(talk, base)
        part = unread if len(unread.split()) < len(words) else request
        return Brief(base.prompt, base.id, answer=not_understood(part, base))

    def _new(self, words: Sequence[str]) -> str | None:
        """Return the picture that "now draw a castle" asks for, which nothing of the old one is in."""
        said = phrases()
        left = list(words)
        announced = False
        while True:
            bare = without_courtesy(left, KEPT)
            lead = next(
                (
                    tuple(one.split())
                    for one in sorted(_NEW, key=len, reverse=True)
                    if tuple(bare[: len(one.split())]) == tuple(one.split())
                ),
                None,
            )
            wish = starts_with(bare, said.wishes)
            if (
                lead
                and len(bare) > len(lead)
                and (
                    bare[len(lead)] in (",", ":", ".", ";", "-", "!")
                    or lead[-1] == "with"
                    or announced
                    or bare[len(lead)] in ("draw", "with", "of", "showing", "and")
                )
            ):
                left, announced = bare[len(lead) :], True
            elif wish and starts_with(bare[wish:], tuple(tuple(one.split()) for one in _NEW)):
                left = bare[wish:]
            else:
                break
            while left and left[0] in (",", ":", ".", ";", "-", "!", "and"):
                left = left[1:]
        bare = without_courtesy(left, KEPT)
        length = starts_with(bare, said.verbs["see"] + (("do",), ("make",), ("show",), ("see",)))
        wish = starts_with(bare, said.wishes)
        told = bare
        if length and len(bare) > length:
            told = bare[length:]
        elif wish and len(bare) > wish:
            told = bare[wish:]
        made = bool(length) and bare[0] in ("make", "show", "do", "see", "render", "give") and bare[1:2] != ["me"]
        pictured = False
        while cut := starts_with(told, _OF):
            pictured = pictured or "of" in told[:cut] or told[0] in ("me", "us")
            told = told[cut:]
        if not told or (not announced and not length and not pictured):
            return None
        if any(word in _SIDES_OF_A_CHANGE for word in told[:2]) or (
            told[0] in said.definite and not announced and not pictured
        ):
            return None
        if (
            not announced
            and not pictured
            and (
                told[0] in ("another", "more", "again", "one")
                or "more" in told
                or (made and number_of(told[0]) and told[0] not in ("a", "an"))
            )
        ):
            return None
        if not announced and any(word in _SIDES_OF_A_CHANGE for word in told) and told[0] not in ("my",):
            return None
        if (
            not announced
            and any(told[k] == "the" for k in range(1, len(told)))
            and length
            and any(w in told for w in ("picture", "image", "scene"))
        ):
            return None
        if pictures.variations(" ".join(bare)) or pictures.is_again(" ".join(bare)):
            return None
        inner = [word for word in told if word not in ARTICLES]
        if not inner or (any(word in said.no_things for word in inner[:2]) and not announced):
            return None
        if not announced and made and not self._is_thing(told):
            return None
        while told and told[-1] in ("now", "instead", "please", ".", "!", "?", "next"):
            told = told[:-1]
        if told:
            return _said(told)
        return None

    def _is_thing(self, words: Sequence[str]) -> bool:
        things = parse_scene(" ".join(words), self._names).objects
        return bool(things) and is_known(things[0].phrase, self._known)

    def _stands_for_itself(self, words: Sequence[str], edit: Edit) -> bool:
        """Tell whether a request is a scene, and no words about one: "an owl in a tree"."""
        said = phrases()
        bare = without_courtesy(words, KEPT + said.wishes)
        if not bare or bare[0] in ("another", "no", "instead") or "instead" in bare:
            return False
        if len(bare) > LONGEST:
            return True
        inner = [word for word in bare if word not in ARTICLES and word.strip(",.;:!?")]
        scene = parse_scene(" ".join(bare), self._names)
        if not scene.objects or not inner:
            return False
        if not any(letter.isascii() and letter.isalpha() for letter in " ".join(bare)):
            return True
        if any(word in said.no_things for word in inner) or any(
            word in _SIDES_OF_A_CHANGE - {"its", "his", "their"} for word in inner
        ):
            return False
        if bare[-1] in ("on", "off", "in", "under", "to", "of", "with"):
            return False
        if bare[0] in said.definite or starts_with(
            bare,
            tuple(verb for kind in ("put", "remove", "replace", "make", "give", "add") for verb in said.verbs[kind]),
        ):
            return False
        if bare[0] in said.indefinite or number_of(bare[0]):
            return all(len(thing.phrase.split()) <= 5 or is_known(thing.phrase, self._known) for thing in scene.objects)
        return not points_back(edit, bare) and self._named_so(scene.objects[0].phrase)

    def _named_so(self, phrase: str) -> bool:
        """Tell whether a phrase is the name of a known thing, or one with an adjective."""
        first, _, noun = phrase.partition(" ")
        return any(form in self._known for form in (phrase, singular(phrase))) or (
            first.endswith(_ADJECTIVES) and any(form in self._known for form in (noun, singular(noun)))
        )

    def _first(self, request: str, words: Sequence[str], text: str) -> Brief:
        said = phrases()
        bare = with_verb_spelt(without_courtesy(words), self._known)
        points = starts_with(
            bare, tuple(verb for kind in ("put", "remove", "replace", "make", "give") for verb in said.verbs[kind])
        )
        behind = bare[points : points + 1]
        raining = bare[points : points + 2] in (["it", "rain"], ["it", "snow"])
        back = bool(points) and behind in (["it"], ["them"], ["him"]) and not raining
        try:
            named = pictures.pointed_at(bare, [], None) if bare[:1] and bare[0] in ("go", "back", "return") else None
        except pictures.NoSuchPicture:
            back = True
        else:
            back = back or named is not None
        if (
            back
            or pictures.is_undo(text)
            or pictures.is_redo(text)
            or (pictures.is_again(text) and text not in ("more", "next", "different"))
        ):
            raise UserError(
                f"{request!r} changes an earlier picture, and this thread has none; say what to draw, or go on with the "
                "thread that has it (--thread)"
            )
        polite = starts_with(words, said.before + said.wishes)
        return Brief((self._new(words) if polite else None) or request)


def standing_of(history: Sequence[PastImage]) -> PastImage | None:
    """Return the image that the person sees: the one that is marked so, or else the last that a turn returned."""
    if any(image.standing is not None for image in history):
        return next((image for image in history if image.standing), None)
    shown = pictures.results(history)
    return shown[-1] if shown else (history[-1] if history else None)


def _talk(kind: str, image: PastImage | None) -> Brief:
    return Brief("" if image is None else image.prompt, image and image.id, answer=answer(kind, image))


def _varied(base: PastImage, many: int) -> Brief:
    if many > pictures.MOST_CANDIDATES:
        why = f"{many} variations are more than {pictures.MOST_CANDIDATES}, the most that one turn draws"
        return Brief(base.prompt, base.id, answer=not_understood("", base, why))
    return Brief(base.prompt, base.id, keep_seed=False, candidates=many)


def _stepped(history: Sequence[PastImage], standing: PastImage | None, *, back: bool) -> Brief:
    """Return a step in the thread's own history of results, back or forward."""
    if standing is None:
        last = pictures.results(history)[-1]
        return Brief(last.prompt, last.id, step=-1, answer=f"Back at {last.id}, {last.prompt!r}.")
    target = standing.before if back else standing.after
    image = next((one for one in history if one.id == target), None)
    if image is None:
        return Brief(
            standing.prompt,
            standing.id,
            answer=f"There is nothing to undo: {standing.id} is the first picture. It stays as it is.",
        )
    what = "Undone: back at" if back else "Done again:"
    return Brief(image.prompt, image.id, step=-1 if back else 1, answer=f"{what} {image.id}, {image.prompt!r}.")


def _said(words: Sequence[str]) -> str:
    """Return words as they are written, marks at the word before them."""
    return re.sub(r" ([,.;:!?])", r"\1", " ".join(words)).strip()
