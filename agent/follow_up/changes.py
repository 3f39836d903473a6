"""A request read as changes of a picture, clause by clause; what is not read entirely changes nothing."""

import re
from collections.abc import Sequence

from imagerag.agent.follow_up import holding, placing
from imagerag.agent.follow_up.adding import read_addition, read_gift, read_put, read_wish
from imagerag.agent.follow_up.bare import read_bare, read_framing
from imagerag.agent.follow_up.becoming import read_background, read_made, read_said_of
from imagerag.agent.follow_up.clauses import (
    ENDS,
    JOINS,
    KEPT,
    LONELY,
    LONGEST,
    adds_by_ending,
    at_verbs,
    is_aside,
    parts_of,
    points_back,
)
from imagerag.agent.follow_up.counting import read_count, read_multiple
from imagerag.agent.follow_up.discourse import clauses_of, corrected, is_remark, preferred, repaired, with_topic
from imagerag.agent.follow_up.earlier import (
    read_back,
    read_likewise,
    read_next_exchange,
    read_one_more,
    read_other,
    read_reversed,
)
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.phrases import phrases, starts_with, with_verb_spelt, without_courtesy
from imagerag.agent.follow_up.removing import keep_only, read_removal
from imagerag.agent.follow_up.replacing import read_exchange, read_instead
from imagerag.agent.follow_up.scene_edit import CannotChange, HoldsNoMore, Item
from imagerag.agent.follow_up.sentences import each_its_colour, plain_orders
from imagerag.agent.follow_up.wording import plainly
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.scene import Scene
from imagerag.prompt_grammar.vocabulary import ARTICLES, colour_of, number_of


def change(edit: Edit, words: Sequence[str]) -> str:
    """Make the changes that a request asks for, and return the part of it that was not read; nothing if all was.

    Raises:
        CannotChange: it is read, and can't be done with this picture.
    """
    edit.reader = clause
    if len(words) > LONGEST:
        return " ".join(words)
    verb: list[str] = []
    sentences = without_taken_back(parts_of(words, ENDS))
    for sentence in sentences:
        if ":" in sentence and is_aside(sentence[: sentence.index(":")]):
            lonely = LONELY.fullmatch(" ".join(sentence[: sentence.index(":")])) is not None
            sentence = [*(["add"] if lonely else []), *sentence[sentence.index(":") + 1 :]]
        if len(sentences) > 1 and is_aside(sentence):
            continue
        sentence = with_topic(edit, repaired(edit, sentence))
        if orders := each_its_colour(edit, sentence) or preferred(edit, sentence):
            if all(clause(edit, order) for order in orders):
                continue
            return " ".join(sentence)
        if both_sides(edit, without_courtesy(sentence)):
            continue
        sentence = corrected(edit, sentence) or sentence
        before = _state_of(edit)
        unread, refused = "", None
        try:
            unread, verb = _sentence(edit, sentence, verb)
        except HoldsNoMore:
            raise  # whatever else the words may mean, they mean it less
        except CannotChange as error:
            refused = error
        if not (unread or refused) and not misread(edit, before[1]):
            continue
        _restore(edit, before)
        if by_chunks(edit, sentence, alone=len(sentences) == 1):
            continue
        if dislocated(edit, sentence) or in_a_mood(edit, sentence) or headed(edit, sentence):
            continue
        if len(sentences) > 1 and is_remark(edit, sentence):
            edit.passed_over.append(" ".join(sentence))
            continue
        if refused:
            raise refused
        return unread or " ".join(sentence)
    return "" if edit.changed else " ".join(words)


_TAKES_BACK = (
    ["no"],
    ["nah"],
    ["nope"],
    ["wait"],
    ["no", "wait"],
    ["never", "mind"],
    ["nevermind"],
    ["scratch", "that"],
)


def without_taken_back(sentences: list[list[str]]) -> list[list[str]]:
    """Leave out a sentence that the next one takes back: "make him dance ? no . make him blue"."""
    back = {at for at in range(1, len(sentences) - 1) if sentences[at] in _TAKES_BACK}
    return [one for at, one in enumerate(sentences) if at not in back and at + 1 not in back]


def _sentence(edit: Edit, sentence: Sequence[str], verb: list[str]) -> tuple[str, list[str]]:
    """Read one sentence, as a whole or by its clauses; return the clause that was not read, and the last verb."""
    if clause(edit, sentence):
        return "", list(sentence[:1])
    parts = at_verbs(sentence)
    for part in parts:
        if len(parts) > 1 and (is_aside(part) or states(edit, part)):
            continue
        if not (clause(edit, part) or _listed(edit, part, verb)):
            return " ".join(part), verb
        verb = part[:1]
    return "", verb


_BOTH_SIDES = re.compile(
    r"(?:(?:add|put|place|with|have|i want|draw) )?(?P<new>(?:an?|one|two|some)? ?[\w -]+?) (?:on|at|to) "
    r"(?:both|each|either|every) sides?(?: of (?P<of>.+))?"
)


def both_sides(edit: Edit, words: Sequence[str]) -> bool:
    """Put one thing to the left and one to the right: "a tree on each side", "trees on both sides of it"."""
    found = _BOTH_SIDES.fullmatch(" ".join(words))
    named = (found["of"] or "it").split() if found else []
    if found is None or edit.find(named) is None:
        return False
    new = singular(" ".join(word for word in found["new"].split() if word not in ("a", "an", "one", "two", "some")))
    anchor = edit.find(named)
    if not edit.knows(new.split()) or anchor is None:
        return False
    of = ["the", *anchor.items[anchor.places[0]].thing.phrase.split()]
    before = _state_of(edit)
    if all(clause(edit, ["put", "a", *new.split(), "to", "the", side, "of", *of]) for side in ("left", "right")):
        return True
    _restore(edit, before)
    return False


def dislocated(edit: Edit, words: Sequence[str]) -> bool:
    """Read "not so big , the rainbow" and "the guitar - can it be red": a thing set apart from what is said of it."""
    marks = [at for at, word in enumerate(words) if word in (",", ":", "-", ";") and 0 < at < len(words) - 1]
    before = _state_of(edit)
    for at, last in [(marks[-1], True), (marks[0], False)] if marks else []:
        named, told = (words[at + 1 :], words[:at]) if last else (words[:at], words[at + 1 :])
        lead = starts_with(named, (("as", "for"), ("about",), ("regarding",), ("and",), ("i", "mean")))
        named = ["the", *(word for word in named[lead:] if word not in ARTICLES)]
        found = edit.find(named) if 1 < len(named) <= _LONGEST_TOPIC else None
        if found is None or found.pronoun or told in (["no"], ["nope"], ["nah"], ["not"], ["no", "no"]):
            continue
        edit.it = edit.latest = found.items[found.places[0]].thing.phrase
        forms = [list(told)] if set(told) & {"it", "they", "them", "him", "her", "he", "she"} else []
        for form in ([*named, *told], *forms, ["make", *named, *told]):
            if clause(edit, form) and not misread(edit, before[1]) and _touched(edit, before[1], edit.it):
                return True
            _restore(edit, before)
            edit.it = edit.latest = found.items[found.places[0]].thing.phrase
        _restore(edit, before)
    return False


_MOOD = re.compile(
    r"(?P<mood>(?:make|get) (?:it|this|that|everything) (?:(?:a bit|a little|much|even|way|look|feel) )*"
    r"(?:more [a-z]+|[a-z]{3,}(?:ier|er|y|ful|ic|ive|ing|ed))) (?:(?:, )?(?:with|by adding|by giving it|and add) )"
    r"(?P<rest>(?:an?|the|some|two|three|four) .+)"
)


def in_a_mood(edit: Edit, words: Sequence[str]) -> bool:
    """Read "make it spookier with a black background" by what of it can be drawn; the rest is told."""
    found = _MOOD.fullmatch(" ".join(words))
    if found is None or clause(edit, found["mood"].split()) or not clause(edit, ["with", *found["rest"].split()]):
        return False
    edit.passed_over.append(found["mood"])
    return True


def headed(edit: Edit, words: Sequence[str]) -> bool:
    """Read "where the pig is i want a sheep : replace the pig with a ewe" by the order behind; the rest is told."""
    if ":" not in words[1:-1]:
        return False
    at = list(words).index(":")
    said = phrases().verbs
    orders = tuple(
        verb for kind in ("put", "remove", "replace", "make", "add") for verb in said[kind] if verb != ("no",)
    )
    if not starts_with(words[at + 1 :], orders) or not clause(edit, words[at + 1 :]):
        return False
    edit.passed_over.append(" ".join(words[:at]))
    return True


_LONGEST_TOPIC = 5
"""Words, "the" among them, of the longest name that is set apart from what is said of it."""


def _touched(edit: Edit, before: Sequence[Item], phrase: str) -> bool:
    """Tell whether what is new concerns the thing of that phrase, or what stands by it."""
    same = [item for item in edit.items if item in before]
    return phrase not in {item.thing.phrase for item in same} or len(edit.items) != len(before)


_State = tuple[Scene, list[Item], bool, str, str]


def _state_of(edit: Edit) -> _State:
    return (edit.scene, list(edit.items), edit.changed, edit.it, edit.latest)


def _restore(edit: Edit, state: _State) -> None:
    edit.scene, edit.items, edit.changed, edit.it, edit.latest = state[0], list(state[1]), *state[2:]


def misread(edit: Edit, before: Sequence[Item]) -> bool:
    """Tell whether what is new in the picture is no name of a thing: "left cat", "pastel pink"."""
    said = phrases()
    old = {item.thing.phrase for item in before}
    for item in edit.items:
        phrase = item.thing.phrase
        words = phrase.split()
        if phrase not in old and (words[0] in _FUNCTION or words[-1] in _FUNCTION or number_of(words[-1])):
            return True  # "in front of a for", "a three"
        if phrase not in old and phrase not in edit.names and len(words) > 1 and words[-1] in _SIDES:
            return True  # "a helicopter left"
        if phrase in said.picture and phrase not in old:
            return True  # "crop the picture"
        if phrase in old or phrase in edit.names or phrase in edit.known:
            continue
        if colour_of(words[-1]) or any(word in said.no_things or word in ARTICLES for word in words):
            return True
        if len(words) > 1 and any(word in old for word in words[:-1]):
            return True  # "dog hat on a cat"
        if len(words) > 1 and (words[0] in _NO_NAME or colour_of(words[0]) or number_of(words[0])):
            return True
    return False


_DRAWS = frozenset(["draw", "paint", "show", "sketch", "have"])
_FUNCTION = frozenset(
    ["for", "with", "of", "in", "on", "at", "by", "to", "from", "as", "than", "then", "and", "or", "but", "so", "if",
     "all", "both", "each", "any", "every", "not", "no", "yes", "now", "too", "also", "there", "here", "again", "be",
     "is"]
)  # fmt: skip
"""Words that no name of a thing begins or ends with."""
_SIDES = frozenset(["left", "right", "top", "bottom", "middle", "above", "below", "behind"])
_NO_NAME = frozenset(
    ["many", "few", "much", "most", "left", "right", "top", "bottom", "wait", "pair", "no", "for", "with", "by", "from"]
)
"""Words that no name of a thing begins with."""


def by_chunks(edit: Edit, words: Sequence[str], *, alone: bool) -> bool:
    """Read a sentence by its chunks, clause by clause; remarks beside an order ask for nothing.

    Args:
        edit: of the picture; as it was where the sentence is not read.
        words: of the sentence.
        alone: whether nothing else is said, so that a mere remark is no change.
    """
    before = _state_of(edit)
    read, remarks = False, list[str]()
    for part in clauses_of(edit, words):
        orders = plain_orders(edit, part)
        if orders is None:
            if is_remark(edit, part):
                remarks.append(" ".join(part))
                continue
            orders = [list(part)] if len(part) < len(words) else None  # the grammar of plain orders may read it
        if orders is None:
            _restore(edit, before)
            return False
        for order in orders:
            made = _state_of(edit)
            if not clause(edit, order) or misread(edit, made[1]):
                _restore(edit, before)
                return False
            read = True
    if not read and alone:
        _restore(edit, before)
        return False
    edit.passed_over += remarks
    return True


def clause(edit: Edit, words: Sequence[str]) -> bool:
    """Make one change, and tell whether the words were read as one."""
    said = phrases()
    adds = adds_by_ending(words) and words[:1] != ["add"]
    keep = said.verbs["remove"] + said.wishes + KEPT
    left = plainly(words)
    if left[:1] in (["only"], ["just"]) and len(left) > 1 and keep_only(edit, left[1:]):
        return True
    left = without_courtesy(left, keep)
    left = with_verb_spelt(left, edit.known)
    if not left:
        return False
    if left[0] == "not" and "," in left[:-1]:
        left = left[left.index(",") + 1 :]
    if "->" in left[1:-1]:
        left = ["replace", *left[: left.index("->")], "with", *left[left.index("->") + 1 :]]
    if left[0] in ("keep", "leave", "show") and left[1:2] == ["only"] and keep_only(edit, left[2:]):
        return True
    if left[:1] == ["no"] and len(left) > 1 and (left[1] in ("to", "on") or left[1:2] == [","]):
        left = left[1:]
    if words[0] == "and" and colour_of(" ".join(left)) and edit.latest and edit.place_of(edit.latest) is not None:
        edit.it = edit.latest  # "and green" is said of what the request before was about
    before = _state_of(edit)
    if read_next_exchange(edit, words):
        return True
    _restore(edit, before)
    if adds and read_likewise(edit, left):
        return True
    _restore(edit, before)
    for reader in (
        read_reversed,
        read_other,
        read_back,
        read_one_more,
        read_wish,
        read_instead,
        read_framing,
        read_multiple,
        read_count,
        read_removal,
        read_exchange,
        read_background,
        read_said_of,
        read_gift,
        read_put,
        read_made,
        read_addition,
        read_bare,
    ):
        if reader(edit, left):
            return True
        _restore(edit, before)
    if left[:1] == ["add"]:
        return False
    if adds and left[0] in _DRAWS and left[1:2] and left[1] in said.indefinite:
        left = left[1:]  # "draw a cat as well"
    named = left[0] in said.indefinite or names_a_thing(edit, left)
    if (adds or (named and points_back(edit, left))) and clause(edit, ["add", *left]):
        return True
    return left[0] in said.definite and holding.give(edit, left)  # of "... and the dog a hat"


def states(edit: Edit, words: Sequence[str]) -> bool:
    """Tell whether words say how a thing is, and ask for nothing: "that pizza is tiny"."""
    at = next((k for k, word in enumerate(words) if word in ("is", "are", "looks", "look")), 0)
    found = edit.find(words[:at]) if at else None
    if found is None or not at + 1 < len(words) <= at + 3 or {"too", "not", "to"} & set(words):
        return False
    edit.it = found.items[found.places[0]].thing.phrase
    return True


def names_a_thing(edit: Edit, words: Sequence[str]) -> bool:
    """Tell whether words begin with a known name and a place: "dragon above the castle"."""
    parts = placing.parted(words)
    return parts is not None and bool(parts.left) and bool(parts.right) and edit.knows(parts.left)


def _listed(edit: Edit, words: Sequence[str], verb: Sequence[str]) -> bool:
    """Read each item of a list as a clause, or as one with the verb before it: "the hat red and the dog blue"."""
    parts = parts_of(words, JOINS)
    if len(parts) < 2 and not verb:
        return False
    for part in parts:
        if is_aside(part):
            continue
        adds = part[0] in phrases().indefinite
        if not (
            clause(edit, part) or (verb and clause(edit, [*verb, *part])) or (adds and clause(edit, ["add", *part]))
        ):
            return False
        verb = part[:1] if starts_with(part, phrases().verbs["make"] + phrases().verbs["put"]) else verb
    return True
