"""What rules make of a request in a thread without a picture."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from imagerag.agent.follow_up import pictures
from imagerag.agent.follow_up.clauses import without_asides
from imagerag.agent.follow_up.edit import in_words
from imagerag.agent.follow_up.new_picture import asked_for, without_taken_back
from imagerag.agent.follow_up.opening import opened
from imagerag.agent.follow_up.opening_references import with_references
from imagerag.agent.follow_up.opening_sentence import told_plainly
from imagerag.agent.follow_up.phrases import joined, phrases, starts_with, with_verb_spelt, without_courtesy, words_of
from imagerag.agent.follow_up.wording import plainly
from imagerag.agent.protocols import Brief
from imagerag.errors import UserError
from imagerag.prompt_grammar.noun_phrase import article
from imagerag.prompt_grammar.vocabulary import colour_of, number_of

_OPENINGS = (("good", "morning"), ("good", "evening"), ("good", "afternoon"), ("i", "would"), ("i'd",), ("may", "i"))
_RECEIVER = re.compile(
    r" for (?:my|our|his|her|their|the) (?:little |own |best )?(?:daughter|son|kids?|child|children|mum|mom|mother|dad|"
    r"father|wife|husband|friends?|boss|class|students?|pupils|teacher|blog|website|presentation|project|school|homework|"
    r"company|team|grandma|grandpa|grandmother|grandfather|niece|nephew|sister|brother|partner|girlfriend|boyfriend|boy|girl)"
    r"(?:[.!?]*$|(?=,))"
)


_TAIL = re.compile(
    r"(?:,? (?:please|pls|plz|pleez|pleas|thx|thanks|ty|lol|haha|:\))|"
    r",? thank you(?: very much| so much| in advance)?|"
    r", (?:dear|my dear|my love|mate|buddy|pal|bro|dude|sir|darling|sweetie|my friend)|"
    r",?(?: and)? nothing else)+[.!?]*$",
    re.IGNORECASE,
)
_HEAD = re.compile(r"^(?:(?:pls|plz|please|yo|hey|hi|hello|bro|dude|dear|sir)[,!.]* )+", re.IGNORECASE)
_STYLE_FIRST = re.compile(r"(?P<style>flat|3d)(?: style)? ?[:,-] (?P<rest>.+)", re.IGNORECASE)
_TAGS = re.compile(r"(?:^|(?<= ))#\w+ ?")


def _bare(request: str) -> str:
    """Return a request without thanks and forms of address."""
    return _HEAD.sub("", _TAIL.sub("", request)) or request


def _seen_first(request: str) -> str:
    """Return a request without hashtags, and with the style behind what is to be seen: "flat style: a dog"."""
    left = _TAGS.sub("", request).strip() or request
    found = _STYLE_FIRST.fullmatch(left)
    return f"{found['rest']}, {found['style'].lower()} style" if found else left


def _without_receiver(request: str) -> str:
    """Leave out for whom a picture is: "draw a horse for my daughter"."""
    return _RECEIVER.sub("", request)


_PLEASE = re.compile(r",? please,(?= and )", re.IGNORECASE)
"""Of "a tent, please, and a flag"."""


_LOOK_BEHIND = re.compile(
    r"(?:\b(?P<first>an?|one|the) )?\b(?P<thing>[a-z][a-z' -]*?)"
    r"(?:, (?P<colour>[a-z]+(?: [a-z]+)?)(?=[,.!]|$)| ?\((?P<told>[a-z]+(?: [a-z]+)?|\d)!*\))",
    re.IGNORECASE,
)
_LONGEST_LOOKED_AT = 3
"""Words of the longest name whose look is put before it."""


def _look_first(request: str, known: Collection[str]) -> str:
    """Return "an orange butterfly" of "a butterfly, orange", and "a pink flamingo" of "a flamingo (pink!!)"."""

    def put(found: re.Match[str]) -> str:
        look = (found["colour"] or found["told"]).lower()
        first, thing = (found["first"] or "").lower(), found["thing"]
        words = thing.lower().split()
        named = bool(first) or (thing.lower() in known and look not in known)  # "cherry, orange" are two
        fits = named or bool(found["told"])
        plain = len(words) <= _LONGEST_LOOKED_AT and not {"and", "with", "some"} & set(words)
        if not (fits and plain) or any(map(colour_of, words)) or not (colour_of(look) or number_of(look)):
            return found[0]
        return " ".join(filter(None, (article(look) if first in ("a", "an") else first, look, thing)))

    return _LOOK_BEHIND.sub(put, request)


def _wished(words: Sequence[str]) -> str | None:
    """Return the picture of "i want a lion", which is what wishes are in plain words; ``None`` of anything else."""
    bare = without_courtesy(words)
    wish = starts_with(bare, phrases().wishes)
    inner = bare[wish:]
    if not wish or not inner or inner[0] not in ("a", "an", "some", "two", "three", "four"):
        return None
    return joined(inner)


class FirstRequest(NamedTuple):
    """A request in a thread without a picture: as typed, its words, and these without what is said around them."""

    request: str
    words: Sequence[str]
    text: str


def first_by_rule(
    first: FirstRequest, names: Collection[str], known: Collection[str], typed: Mapping[str, str], *, talk_only: bool
) -> Brief:
    """Return what rules make of a request in a thread without a picture.

    Args:
        first: the request.
        names: names that the prompt grammar keeps whole.
        known: names of things.
        typed: names by how they are typed in one word.
        talk_only: whether nothing but talk is left out.

    Raises:
        UserError: it changes or names an earlier picture.
    """
    request, words, text = first
    without = _PLEASE.sub("", request if talk_only else _look_first(_seen_first(request), known))
    if without != request:
        words = words_of(in_words(without, known, typed))
        request, text = without, " ".join(without_courtesy(words))
    if prompt := with_references(words_of(_without_receiver(_bare(request))), names, known):
        return Brief(prompt)
    plainly_told = told_plainly(words, names, known, talk_only=talk_only)
    if plainly_told is not None:
        words = plainly_told
        request, text = joined(words), " ".join(without_courtesy(words))
    said, taken = phrases(), words
    bare = with_verb_spelt(without_courtesy(words), known)
    changing = tuple(verb for kind in ("put", "remove", "replace", "make", "give") for verb in said.verbs[kind])
    behind = bare[starts_with(bare, changing) :]
    weather = behind[:2] in (["it", "rain"], ["it", "snow"])
    back = len(behind) < len(bare) and behind[:1] in (["it"], ["them"], ["him"]) and not weather
    if bare and bare[0] in ("go", "back", "return"):
        try:
            back = back or pictures.pointed_at(bare, [], None) is not None
        except pictures.NoSuchPicture:
            back = True
    again = pictures.is_again(text) and text not in ("more", "next", "different")
    if back or again or pictures.is_undo(text) or pictures.is_redo(text):
        raise UserError(
            f"{request!r} changes an earlier picture, and this conversation has none; say what to draw, or go on in "
            "the conversation that has it"
        )
    if (read := opened(request, names, known, talk_only=talk_only)) is not None:
        return Brief(read.prompt, notes=(read.note,) if read.note else ())
    words = without_taken_back(words)
    request = request if list(words) == list(taken) else joined(words)
    plain = plainly(without_asides(words)) if starts_with(words, said.before + said.wishes + _OPENINGS) else words
    polite = starts_with(words, said.before + said.wishes + _OPENINGS)
    told = (asked_for(plain, names, known) or _wished(plain)) if polite else None
    behind = without_asides(words)
    if told is None and len(behind) < len(words) and behind[0] in said.indefinite:  # "Good morning. A dog, please."
        told = joined(without_courtesy(behind))
    said_plainly = _without_receiver(told or _bare(request))
    said_plainly = said_plainly if talk_only else _look_first(said_plainly, known)
    return Brief(with_references(words_of(said_plainly), names, known) or said_plainly)
