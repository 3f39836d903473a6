"""Requests for a picture that nothing of the one before is in: "now draw a castle", "an owl in a tree"."""

import re
from collections.abc import Collection, Sequence

from imagerag.agent.follow_up import pictures
from imagerag.agent.follow_up.clauses import KEPT, LONGEST, points_back
from imagerag.agent.follow_up.edit import Edit, is_known
from imagerag.agent.follow_up.mentions import is_no_name, mentions_of
from imagerag.agent.follow_up.phrases import joined, phrases, starts_with, without_courtesy
from imagerag.agent.follow_up.things import matching
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.parser import parse_scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, colour_of, number_of

_ADJECTIVES = ("y", "ing", "ed", "ic", "al", "ful", "ous", "ish", "an", "ive")
"""Endings by which a word before a known noun is taken for an adjective of it."""
_OF_A_CHANGE = frozenset(["both", "each", "it", "him", "her", "them", "they", "its", "his", "their", "itself"])
"""Words that speak of what is in the picture already."""
_BEHIND_A_LEAD = frozenset([",", ":", ".", ";", "-", "!", "draw", "with", "of", "showing", "and"])
_TAKEN_BACK = re.compile(
    r"(?: [,.?!]+ (?:um |uh |er |oh |hmm )*(?:no wait|wait no|actually no|no|wait|sorry)|"
    r"(?: ,)? (?:um |uh |er |oh |no )*"
    r"(?:i mean|i meant|or rather|"
    r"scratch that|make that))(?: ,)? (?:(?:draw|paint|show|make)(?: me| it)? )?(?=(?:an?|some|two|three|four) )"
)
_INSTEAD_OF_ALL = re.compile(
    r"(?<=\w) (?:instead of|in place of|rather than) (?:all(?: of)? (?:this|that|these|it)|everything)$"
)
"""What says that nothing of the old picture stays: "a pineapple instead of all this"."""
_MARKS = frozenset([",", ":", ".", ";", "-", "!", "?"])
LONGEST_OWN = 2
"""Words of the longest name of a thing of one's own."""
LONGEST_NAMED = 5
"""Words of the longest name that nobody knows, of a picture that a request stands for by itself."""
MOST_REFINED = 3
"""Words of the longest name by which a thing of the picture is named more exactly."""
_NOT_FIRST = frozenset(["of", "for", "with", "to", "by", "as", "than", "and", "or", "but", "in", "on", "at"])
"""Words that no name of a thing begins with."""
_NOTHING_BESIDE = (
    *(("now",), ("instead",), ("please",), ("next",), ("nothing", "else"), ("and", "nothing", "else")),
    *(("by", "itself"), ("on", "its", "own"), ("alone",), ("and", "that's", "all")),
)
"""Ends of a request that only say that nothing else is wanted."""
_MANNERS = frozenset(["style", "styled", "mode", "look", "version", "colours", "colors"])
"""Words that end what is said of how a picture is made, and name nothing to draw."""
_VERBS_OF_BOTH = frozenset(["make", "show", "do", "see", "render", "give"])
"""Verbs that ask for changes as well: only what names a known thing behind them is a new picture."""


def announced(words: Sequence[str]) -> tuple[list[str], bool]:
    """Return a request without what announces a new picture ("forget that, ..."), and whether something did."""
    leads = pictures.said_of_pictures()["new"]
    left, told = list(words), False
    while True:
        bare = without_courtesy(left, KEPT)
        wish = starts_with(bare, phrases().wishes)
        lead = starts_with(bare, leads)
        if lead and len(bare) > lead and (told or bare[lead] in _BEHIND_A_LEAD or bare[lead - 1] == "with"):
            left, told = bare[lead:], True
        elif wish and starts_with(bare[wish:], leads):
            left = bare[wish:]
        else:
            return bare, told
        while left and (left[0] in _MARKS or left[0] == "and"):
            left = left[1:]


def without_taken_back(words: Sequence[str]) -> list[str]:
    """Return what a request ends with after a correction: of "a piano , no , draw a guitar", "a guitar"."""
    text = " ".join(words)
    cut = max((found.end() for found in _TAKEN_BACK.finditer(text)), default=0)
    return text[cut:].split()


_OF_SOME_THERE = frozenset(["another", "more", "again", "one", "all", "every"])
_OF_WHAT_STANDS = frozenset(["remaining", "other", "others", "rest", "same", "last", "existing", "leftover"])


def asked_for(words: Sequence[str], names: Collection[str], known: Collection[str]) -> str | None:
    """Return the picture that "now draw a castle" asks for; ``None`` where a request may be about the old one.

    Args:
        words: of the request.
        names: that the prompt grammar keeps whole.
        known: names of things.
    """
    said = phrases()
    bare, told_new = announced(words)
    if not told_new and " ".join(words).rstrip(" .!?").endswith((" too", " as well", " also")):
        return None  # "draw a cat too"
    if all_of_it := _INSTEAD_OF_ALL.search(" ".join(bare)):
        bare = " ".join(bare)[: all_of_it.start()].split()
        last = bare[len(bare) - bare[::-1].index(",") :] if "," in bare else []
        if starts_with(last, said.verbs["see"] + said.wishes):
            bare = last  # "bored of dogs , show me a lion"
        told_new = True
        bare = bare[starts_with(bare, said.verbs["see"] + said.wishes) :] or bare
    text = " ".join(bare)
    if pictures.variations(text) or pictures.is_again(text):
        return None
    verb = starts_with(bare, said.verbs["see"] + (("do",), ("make",), ("show",), ("see",)))
    wish = starts_with(bare, said.wishes)
    told = bare[verb or wish :]
    pictured = False
    while cut := starts_with(told, pictures.said_of_pictures()["of"]):
        to_me = told[0] in ("me", "us") and bool(verb or wish)  # "me and my sister" ask for nothing
        pictured = pictured or "of" in told[:cut] or to_me
        told = told[cut:]
    told = without_taken_back(told)
    told = _trimmed(told)
    inner = [word for word in told if word not in ARTICLES]
    if not inner or not (told_new or verb or pictured) or any(word in _OF_A_CHANGE for word in told[:2]):
        return None
    if inner[-1] in _MANNERS:
        return None  # "sketch style instead"
    if told[0] in said.definite and _OF_WHAT_STANDS & set(told):
        return None  # "scrap the copy , paint the remaining robot teal"
    if told_new:
        return joined(told)
    counted = bool(number_of(told[0])) and bare[0] in _VERBS_OF_BOTH
    if not pictured and (told[0] in said.definite or told[0] in _OF_SOME_THERE or counted):
        return None
    if ("more" in told or told[1:2] in ([ordinal] for ordinal in said.ordinals[1:])) and not pictured:
        return None  # "a third cat" is one more
    if any(word in _OF_A_CHANGE for word in told) and told[0] != "my":
        return None
    if "the" in told[1:] and any(word in told for word in ("picture", "image", "scene")):
        return None
    if any(word in said.no_things for word in inner[:2]):
        return None
    things = parse_scene(" ".join(told), names).objects
    named = told[0] in said.indefinite | said.definite
    unsure = verb and bare[0] in _VERBS_OF_BOTH and not (bare[1:2] == ["me"] and named)  # "make me hungry"
    if unsure and not (things and is_known(things[0].phrase, known)):
        return None
    return joined(told)


def _trimmed(words: Sequence[str]) -> list[str]:
    """Leave out what only says that nothing else is wanted: "only a lion", "a lion now, nothing else"."""
    left = list(words)
    while True:
        end = next((len(said) for said in _NOTHING_BESIDE if left[-len(said) :] == list(said)), 0)
        if end and len(left) > end:
            left = left[:-end]
        elif left and left[-1] in _MARKS:
            left = left[:-1]
        elif len(left) > 1 and left[0] in ("only", "just"):
            left = left[1:]
        else:
            return left


def stands_for_itself(words: Sequence[str], edit: Edit) -> bool:
    """Tell whether a request is a scene, and no words about the one that there is: "an owl in a tree"."""
    said = phrases()
    bare = without_courtesy(words, KEPT + said.wishes)
    if words[0] in ("just", "only"):
        return False  # "just one butterfly" is said of some that are there, or should be
    if not bare or bare[0] in ("another", "no") or "instead" in bare or bare[1:2] == ["second"]:
        return False
    exact = " ".join(bare) in edit.known
    if refined_by(edit, bare):
        return False
    if bare[0] not in said.indefinite and not number_of(bare[0]) and not exact:
        if bare[0].endswith("ing") and len(bare) > 1:
            return False  # "playing football" is what somebody of the picture does
        if any(word in said.definite for word in bare[1:]):
            return False  # "lights on in the cabin"
    if bare[0] in ("a", "an") and bare[1:2] in ([ordinal] for ordinal in said.ordinals):
        return False
    if bare[0] == "my" and len(bare) > LONGEST_OWN + 1 and not is_of_ones_own(bare):
        return False  # "my brother plays the drums"
    bare = _without_likeness(bare)
    inner = [word for word in bare if word not in ARTICLES and word not in _MARKS]
    scene = parse_scene(" ".join(bare), edit.names)
    if not scene.objects or not inner or any(thing.phrase in said.abstract for thing in scene.objects):
        return False
    if all(word in ("one", "ones", "and") or number_of(word) or colour_of(word) for word in inner):
        return False  # "one green one red"
    if any(thing.phrase.split()[0] in _NOT_FIRST for thing in scene.objects):
        return False  # "three of em"
    if not any(letter.isascii() and letter.isalpha() for letter in " ".join(bare)):
        return True  # pictograms, or a script in which the tables know no change
    changing = tuple(verb for kind in ("put", "remove", "replace", "make", "give", "add") for verb in said.verbs[kind])
    if len(bare) > LONGEST:  # prose, unless it speaks to somebody
        return not starts_with(bare, changing) and bare[0] not in said.no_things
    if "no" in bare[1:] or ("without" in bare and edit.find(["the", *bare[bare.index("without") + 1 :]]) is not None):
        return False
    if any(word in said.no_things or word in ("him", "them", "they", "itself") for word in inner):
        return False
    if points_back(edit, bare) or (colour_of(bare[0]) and len(bare) == 2):
        return False
    if len(inner) > 1 and bare[0] not in said.indefinite and edit.find(["the", bare[0]]) is not None:
        return False  # "shield in red", of a picture with a shield
    if bare[0] not in said.indefinite and any(one.kind == "thing" and one.places for one in mentions_of(edit, bare)):
        return False  # "stars in red", of a picture with stars
    if bare[-1] in ("on", "off", "in", "under", "to", "of", "with") or bare[0] in said.definite:
        return False
    if starts_with(bare, changing):
        return False
    if any(_speaks_of(edit, thing.phrase) for thing in scene.objects):
        return False  # "three bats exactly", of a picture with a bat
    if bare[0] in said.indefinite or number_of(bare[0]):
        unknown = [thing.phrase for thing in scene.objects if not is_known(thing.phrase, edit.known)]
        told = bare[0] == "my" and any(is_no_name(thing.phrase, edit.known) for thing in scene.objects)
        return not told and all(len(phrase.split()) <= LONGEST_NAMED for phrase in unknown)
    return not points_back(edit, bare) and _is_named_so(scene.objects[0].phrase, edit.known)


def _without_likeness(words: Sequence[str]) -> list[str]:
    """Leave out that it is to be as what is sent along: "an owl like this"."""
    left = list(words)
    return left[:-2] if len(left) > 2 and left[-2] == "like" and left[-1] in ("this", "that", "these") else left


def refined_by(edit: Edit, words: Sequence[str]) -> list[str]:
    """Return the car of the picture that "sports car" says more exactly; empty where words name no such thing."""
    text = " ".join(words)
    if not 1 < len(words) <= MOST_REFINED or text not in edit.known or edit.find(["the", *words]) is not None:
        return []
    alike = [item.thing.phrase for item in edit.items if item.thing.phrase == words[-1] and item.thing.count == 1]
    return alike[0].split() if len(alike) == 1 else []


def _speaks_of(edit: Edit, phrase: str) -> bool:
    """Tell whether a phrase is no name of anything, and one of its words names what is in the picture."""
    words = phrase.split()
    return len(words) > 1 and not is_known(phrase, edit.known) and any(matching([word], edit.items) for word in words)


def _is_named_so(phrase: str, known: Collection[str]) -> bool:
    """Tell whether a phrase is the name of a known thing, or one with an adjective."""
    first, _, noun = phrase.partition(" ")
    return any(form in known for form in (phrase, singular(phrase))) or (
        first.endswith(_ADJECTIVES) and any(form in known for form in (noun, singular(noun)))
    )


def is_prompt(edit: Edit, words: Sequence[str]) -> bool:
    """Tell whether words are a prompt and nothing besides: a thing with "a" or a number, and how others stand to it."""
    words = _without_likeness(words)
    if words[0] not in phrases().indefinite:
        return False
    mentions = mentions_of(edit, words)
    inside = {at for mention in mentions for at in range(mention.start, mention.end)}
    kinds = {mention.kind for mention in mentions}
    rest = {word for at, word in enumerate(words) if at not in inside} - ARTICLES - {"and", ",", ".", "with"}
    return not rest and kinds <= {"thing", "relation", "colour", "size", "number"}


def is_of_ones_own(words: Sequence[str]) -> bool:
    """Tell whether words put something of the person's own somewhere, which may be in a picture beside the request.

    "My badge on a castle" does, and "my wife painted a wolf on my cab" does not.
    """
    relations = phrases().relations
    ends = range(2, min(LONGEST_OWN + 2, len(words)))
    return words[0] == "my" and any(starts_with(words[at:], tuple(said for said, _ in relations)) for at in ends)
