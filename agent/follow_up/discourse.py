"""What a person says about the request itself: remarks, repairs, corrections, and what "it" is since the last one."""

import re
from collections.abc import Sequence

from imagerag.agent.follow_up.chunks import chunks_of
from imagerag.agent.follow_up.clauses import LONELY
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.keywords import may_be_called
from imagerag.agent.follow_up.lexicon import codes_of
from imagerag.agent.follow_up.likeness import most_alike
from imagerag.agent.follow_up.phrases import phrases, starts_with, without_courtesy
from imagerag.agent.follow_up.remarks import in_passing, wishes
from imagerag.agent.follow_up.sentences import PRONOUNS, Words, plain_orders, with_article, words_in
from imagerag.agent.follow_up.sides import frame_of
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.vocabulary import ARTICLES, COLOURS, colour_of, number_of

_JOINS = frozenset([",", "and", "but", "&", "then", ":", "-", ";"])
_REPAIRS = re.compile(
    r"(?:,|\.|!|-)? ?(?<![\w'])"
    r"(?:no wait|wait no|no|nah|sorry|i mean|or rather|scratch that|wait|hmm|actually no|well|make that|oops)(?: ,)? "
)
_CONTRAST = re.compile(
    r"(?<=\w)(?: , (?:and |but )?not| rather than| instead of(?= (?:one|two|three|four|\d)$))"
    r" (?!to\b|too\b|so\b|that\b)(?:an? |the )?[\w-]+(?: one)?(?= instead$|$)"
)
"""What is not meant, behind what is: "white, not black"."""
_APPOSED = re.compile(
    r"\ban? (?P<head>[\w-]+)(?P<middle>(?: [\w-]+)*) , (?:say |like |maybe |preferably |for example )?"
    r"(?P<again>an? (?:[\w-]+ )?[\w-]*(?P=head))$"
)
"""A thing that is said more exactly behind: "a ball under the chair , a soccer ball"."""
_COLOUR = "|".join(sorted(COLOURS, key=len, reverse=True))
_KIND_THEN_NAME = re.compile(
    r"\b(?:an?|another)(?: (?:second|third|fourth|other|new))? "
    r"(?:animal|thing|creature|object|character|person|friend|item)"
    r" (?:,|:) (?:like |say |maybe )?(?=an? )"
    r"|\b(?:an?|another|some) [\w-]+ (?:, )?(?:such as|for example|for instance|e\.g\.|say)(?: ,)? "
    r"(?=(?:an?|some|two|three) )"
    r"|\b(?:an?|another|some) [\w-]+ , (?:like|maybe|perhaps|preferably) (?=(?:an?|some|two|three) )"
)
"""A kind before what is meant of it: "a third animal , a lion"."""
_KIND_OF_NAME = re.compile(r"\b(?:an?|another|some) (?P<kind>[\w-]+) , (?P<name>an? [\w -]+)$")
"""The same, where the library says that the second thing is one of the first: "a pet , a cat"."""
_COLOUR_DISLIKED = re.compile(
    rf"(?:the )?(?P<old>{_COLOUR})(?:'s| is| looks| was| seems) (?:not|too|a bit|so|way|kind of|just)\b.*? , "
    rf"(?:(?:maybe|perhaps|try|use|take|make it|rather|go for|how about|i'd like) )*(?P<new>{_COLOUR})"
)
"""A colour that is not liked, and the one that is wanted: "yellow's too loud , light blue"."""
_RED_ONE = re.compile(
    rf"\b(?P<article>(?:another|an?)(?: (?:second|third|fourth|big|small|large|tiny|little))?) (?P<head>[\w-]+)"
    rf"(?P<middle>(?: [\w-]+)*) , (?:an?|the) (?P<colour>{_COLOUR}) one$"
)
_ANOTHER_RED = re.compile(
    rf"\b(?P<article>another|an? (?:second|third|fourth)|one more) (?P<head>[\w-]+(?: [\w-]+)?) "
    rf"(?:(?:, )?but (?:in )?|in )(?P<colour>{_COLOUR})$"
)
"""A colour that is said behind: "a dragon above the castle , a red one"."""
_ONE_MORE_RED = re.compile(
    rf"\b(?P<article>another|an? (?:second|third|fourth)|one more) (?P<head>[\w-]+(?: [\w-]+)?) , "
    rf"(?:but )?(?:in |an? )?(?P<colour>{_COLOUR})(?: one)?$"
)
"""The same, set apart: "a second one , black"."""
_ONE_MORE_ONE = re.compile(
    r"\b(?:another|an? (?:second|third|fourth)|one more) (?:(?:small|big|large|tiny|little) )?"
    rf"(?P<colour>{_COLOUR}) (?P<head>one)$"
)
_OUT_AND_IN = re.compile(r"(?P<old>.+?) (?:out|off|away|gone)(?: ,| and| ;)* (?P<new>.+?) (?:in|on|instead|in instead)")
_OF_THEM = re.compile(
    r"(?:add |with |draw )?(?:more |some |a few |several )?(?P<what>[\w -]+?) , "
    r"(?:(?:like|say|maybe|perhaps|about|around|let's say|i'd say|make it|make that) )?(?P<many>\w+)"
    r"(?: of (?:them|those|these))?(?: in total| in all| altogether| or so)?"
)
_RESTATED = re.compile(
    r"\b(?:an?|the) (?:[\w-]+ ){0,2}(?P<head>[\w-]+) , (?P<again>(?:an?|the) (?:[\w-]+ ){0,2}(?P=head)\b)"
)
"""A thing that is named once more, in better words: "a music note ... a musical note"."""
_MERELY = re.compile(
    r"T[i]+T?i*|T[i]+f[NT]|[T]?[i!hq]*u*[T]?|[T]?[i!hq]*u*i?u+|[T][i!]*[CZ]?!?|[!]+[CZ#NT]|T[if]*![if!]*[CZN]|[TN]?[i!]*e[NT]?[i!u]*"
    r"|[NT][i!]*e"
)
"""The chunks of a remark: a thing and how it is, in words that are no change."""
_SAYS_HOW = re.compile(r"i.*[C#ytbZ]$")
"""What says of a thing how it is may be how it is to be: "the bear is green"."""
_IDLE = frozenset("uTiq!en,")
"""The chunks of what names nothing new, no look, no place and no order, and so asks for nothing that can be drawn."""
_KEEPS = frozenset(["keep", "leave", "like", "love"])


_IN_PLACE = re.compile(
    r"(?:i (?:meant?|said|want(?:ed)?) |rather )?(?P<new>.+?) (?:(?:, )?(?:and |but )?not|than) "
    r"(?:an? |the )?(?P<old>[\w -]+?)(?: instead| one)?"
)
"""What is meant, and what of the picture it takes the place of: "a saxophone, not a trumpet"."""
_PLACES = r"(?:on|in|inside|under|behind|beside|next to|above|below|over|near|with)"
_OTHER_PLACE = re.compile(
    rf"(?:.+? )?{_PLACES} (?P<new>an? [\w -]+?) (?:, )?(?:and |but )?(?:not|instead of|rather than) {_PLACES} "
    r"(?:an? |the )?(?P<old>[\w -]+)"
)
"""Where something is to be, and where it is not: "the frog on a mushroom , not on a rock"."""
_VAGUE = re.compile(r"(?P<before>.*?\b)the (?P<vague>[\w -]+?) , (?P<exact>the [\w -]+)")
"""A thing that is named once more, exactly: "the animal in the middle, the zebra"."""
_STAYS = re.compile(
    r"(?:(?:it|they|everything else|the rest|the others?|the [\w-]+(?: [\w-]+)?) )(?:can |should |must |may )?"
    r"(?:stays?|remains?|(?:is|are) (?:fine|good|ok|okay|perfect))"
    r"(?: (?:as (?:it is|they are|is|before)|the same|unchanged|there|put))?"
)
_OFFERS = frozenset(
    ["use", "try", "take", "have", "make", "it", "draw", "do", "go", "for", "with", "rather", "prefer", "i", "i'd"]
)
"""Words before what is wanted instead of something disliked; any other verb says itself what is to be done."""
_VERBS = frozenset(["put", "add", "make", "remove", "replace", "give"])
_DISLIKES = frozenset(["not", "don't", "dont", "didn't", "never", "hate", "dislike"])
_SAID_OF_IT = re.compile(r"[mx]?T[if]*[CZ]|[mx]?[CZ]|[xm]Tf?N")


def corrected(edit: Edit, words: Sequence[str]) -> Words | None:
    """Return "replace the monkey with a gorilla" of "no you fool , a gorilla"; ``None`` where words correct nothing."""
    if words[0] not in ("no", "nope", "nah") or "," not in words[1:-1]:
        return None
    at = list(words).index(",")
    before, new = list(words[1:at]), list(words[at + 1 :])
    chunks = chunks_of(edit, new)
    merely = all(chunk.kind == "unread" for chunk in chunks_of(edit, before))
    new = with_article(new)
    if not merely or len(chunks) != 1 or chunks[0].kind != "new" or new[0] not in ("a", "an"):
        return None
    thing = edit.thing_of(new)
    alike = most_alike(edit, thing[0].thing.phrase) if thing else None
    if alike is None:
        return None
    return ["replace", "the", *edit.items[alike].thing.phrase.split(), "with", *new]


def preferred(edit: Edit, words: Sequence[str]) -> list[Words] | None:
    """Return the orders of "i don't like the frog , use a turtle": what is wanted in the place of what is not.

    ``None`` where words dislike nothing that the picture has, or the order behind says by itself what to do.
    """
    cut = next((at for at, word in enumerate(words) if at and word in (",", "but")), None)
    if cut is None or cut + 1 >= len(words):
        return None
    if found := _COLOUR_DISLIKED.fullmatch(" ".join(words)):
        old = [item.thing.phrase for item in edit.items if item.thing.colour == colour_of(found["old"])]
        return [["make", "the", *phrase.split(), *found["new"].split()] for phrase in old] or None
    left, right = chunks_of(edit, words[:cut]), list(words[cut + 1 :])
    while len(right) > 1 and right[0] in _OFFERS:
        right = right[1:]
    new = chunks_of(edit, right)
    dislikes = re.fullmatch(r"[u!r]*[TCN]", codes_of(left)) and _DISLIKES & set(words[:cut])
    if not dislikes or codes_of(new) not in ("N", "C"):
        return None
    last = [word for word in left[-1].words if left[-1].kind == "there" or word not in ARTICLES]
    named = edit.find(last if left[-1].kind == "there" else ["the", *last]) if left[-1].kind != "colour" else None
    colour = colour_of(" ".join(left[-1].words)) if left[-1].kind == "colour" else None
    if named is None and colour is None:
        return None
    places = named.places if named else [at for at, item in enumerate(edit.items) if item.thing.colour == colour]
    things = [["the", *edit.items[at].thing.phrase.split()] for at in places if at < len(edit.items)]
    if new[0].kind == "colour":
        return [["make", *thing, *new[0].words] for thing in things] or None
    return [["replace", *things[0], "with", *with_article(list(new[0].words))]] if named and things else None


def _without_kind(found: re.Match[str]) -> str:
    name = found["name"].split(" ", 1)[1]
    return found["name"] if may_be_called(singular(name), found["kind"]) else found[0]


def _with_head(edit: Edit, text: str) -> str:
    """Return "add another black sheep" of "add another black one", where a sheep was spoken of last."""
    found = _ONE_MORE_ONE.search(text)
    if found is None or not edit.items:
        return text
    latest = edit.place_of(edit.latest) if edit.latest else None
    phrase = edit.items[edit.main if latest is None else latest].thing.phrase
    return f"{text[: found.start('head')]}{phrase}"


def _in_place_of(edit: Edit, words: Sequence[str]) -> Words | None:
    """Return "a saxophone instead of the trumpet" of "a saxophone , not a trumpet", of a picture with a trumpet."""
    found = _IN_PLACE.fullmatch(" ".join(words))
    if found is None:
        return None
    new, old = found["new"].split(), found["old"].split()
    if codes_of(chunks_of(edit, new)) not in ("N", "C") or number_of(found["old"]):
        return None
    if (colour := colour_of(found["old"])) and any(item.thing.colour == colour for item in edit.items):
        return [*new, "instead", "of", *old]
    named = edit.find(["the", *old])
    return [*new, "instead", "of", "the", *old] if named is not None and not colour_of(found["new"]) else None


def with_topic(edit: Edit, words: Sequence[str]) -> Words:
    """Return "make the hat red" of "make it red", where the request before has put the hat there.

    What was put somewhere is what the person looks at then, not the thing that was there before.
    """
    bare = without_courtesy(words)
    if (_removes_it(bare) or _moves_it(bare)) and not edit.changed and edit.latest and edit.place_of(edit.latest):
        return _with_name(words, edit.latest)
    at = edit.place_of(edit.newest) if edit.newest and not edit.changed else None
    took_a_place = edit.before is not None and len(edit.before.objects) == len(edit.items)
    if not at or not (took_a_place or edit.items[at].joint in ("wearing", "with", "and")):
        return list(words)
    chunks = chunks_of(edit, words)
    named = words_in(chunks, "there")
    if not _SAID_OF_IT.fullmatch(codes_of(chunks)) or (named and named != ["it"]):
        return list(words)
    the_new = ["the", *edit.newest.split()]
    if not named:
        return ["make", *the_new, *words_in(chunks, "colour|size")]
    place = list(words).index("it") if "it" in words else -1
    return [*words[:place], *the_new, *words[place + 1 :]] if place >= 0 else list(words)


def _removes_it(words: Sequence[str]) -> bool:
    """Tell whether words take out what "it" is: "remove it", "get rid of it", "take it away again"."""
    text = " ".join(word for word in words if word not in ("again", "please", "completely", "now"))
    verbs = phrases().verbs["remove"]
    taken = re.fullmatch(r"(?:take|throw|get|put|leave|cut) (?:it|that) (?:out|away|off)", text)
    length = starts_with(words, verbs)
    return taken is not None or (length > 0 and text.split()[length:] in (["it"], ["that"], ["this"]))


def _moves_it(words: Sequence[str]) -> bool:
    """Tell whether words move what "it" is to a side: "move it up", "put it on the left"."""
    length = starts_with(words, phrases().verbs["put"])
    return length > 0 and words[length : length + 1] == ["it"] and frame_of(words[length + 1 :]) is not None


def _with_name(words: Sequence[str], phrase: str) -> Words:
    """Return words with a thing's name in the place of "it"."""
    at = next(at for at, word in enumerate(words) if word in ("it", "that", "this"))
    return [*words[:at], "the", *phrase.split(), *words[at + 1 :]]


def clauses_of(edit: Edit, words: Sequence[str]) -> list[Words]:
    """Part a sentence where both sides are read by themselves, from left to right; whole where they are not."""
    rest = list(words)
    found: list[Words] = []
    while rest:
        cut = len(rest)
        if ":" in rest[1:-1] and plain_orders(edit, rest[rest.index(":") + 1 :]) is not None:
            rest = rest[rest.index(":") + 1 :]  # what a list is headed by
        listed = found and rest[0] in phrases().indefinite | ARTICLES and not is_remark(edit, rest)
        if listed and plain_orders(edit, rest) is None:
            rest = [*_verb_of(found[-1]), *rest]
        if plain_orders(edit, rest) is None:
            places = [at for at, word in enumerate(rest) if at and word in _JOINS]
            cut = next(
                (
                    at
                    for at in reversed(places)
                    if plain_orders(edit, rest[:at]) is not None or is_remark(edit, rest[:at])
                ),
                len(rest),
            )
        found.append(rest[:cut])
        rest = rest[cut + 1 :]
    return [part for part in found if any(word not in _JOINS for word in part)]


def _verb_of(words: Sequence[str]) -> Words:
    """Return the verb that a list goes on with: of "add a hat", for ", a scarf and a ball"."""
    return list(words[:1]) if words[0] in ("add", "put", "remove", "include", "draw", "make") else []


def is_remark(edit: Edit, words: Sequence[str]) -> bool:
    """Tell whether a clause says how something is, or what is to stay, and asks for nothing: "it looks odd".

    What it speaks of is what "it" is in the clauses behind.
    """
    if _STAYS.fullmatch(" ".join(word for word in words if word not in _JOINS)):
        return True
    chunks = chunks_of(edit, words)
    codes = codes_of(chunks)
    idle = (
        not codes.startswith("u")
        and set(codes) <= _IDLE
        and words[0] not in ARTICLES | phrases().indefinite
        and not wishes(words)
    )
    if (in_passing(words) and not _SAYS_HOW.search(codes)) or idle:
        speaks_of(edit, words)
        return True
    if not set(codes) & set("i!e") and not _KEEPS & set(words):
        return False
    keeps = bool(_KEEPS & set(words)) and set(codes) <= {"m", "T", "u"}
    if not (keeps or (_MERELY.fullmatch(codes) and not codes.startswith("uT"))):
        return False
    speaks_of(edit, words)
    return True


def speaks_of(edit: Edit, words: Sequence[str]) -> None:
    """Let "it" in what follows be what a remark speaks of."""
    chunks = chunks_of(edit, words)
    named = words_in(chunks, "there") or words_in(chunks, "new")
    named = [word for word in named if not number_of(word)]
    if named and named[0] not in PRONOUNS and (found := edit.find(named)) is not None:
        edit.it = edit.latest = found.items[found.places[0]].thing.phrase


def repaired(edit: Edit, words: Sequence[str]) -> Words:
    """Return a sentence without what the person takes back: "a cone ... no wait , a bicycle" is a bicycle."""
    text = " ".join(words)
    if (lonely := LONELY.match(text)) and text[lonely.end() :][:3] in (
        " , ",
        " : ",
        " - ",
    ):  # "he wants a friend , a unicorn"
        text = text[lonely.end() + 3 :]
        text = f"add {text}" if text.split(" ")[0] in phrases().indefinite else text
    text = _RED_ONE.sub(r"\g<article> \g<colour> \g<head>\g<middle>", text)
    text = _KIND_THEN_NAME.sub("", text)
    text = _KIND_OF_NAME.sub(_without_kind, text)
    text = _with_head(edit, _ONE_MORE_RED.sub(r"\g<article> \g<colour> \g<head>", text))
    text = _ANOTHER_RED.sub(r"\g<article> \g<colour> \g<head>", text)
    text = _APPOSED.sub(r"\g<again>\g<middle>", text)
    words = text.split()
    if (found := _OTHER_PLACE.fullmatch(text)) and edit.find(["the", *found["old"].split()]) is not None:
        return ["replace", "the", *found["old"].split(), "with", *found["new"].split()]
    if instead := _in_place_of(edit, words):
        return instead
    exact = _VAGUE.fullmatch(text) if starts_with(words, phrases().verbs["remove"]) else None
    if exact and edit.find(["the", *exact["vague"].split()]) is None and edit.find(exact["exact"].split()) is not None:
        return [*exact["before"].split(), *exact["exact"].split()]
    text = _CONTRAST.sub("", " ".join(words)) or " ".join(words)
    words = text.split()
    if (found := _OUT_AND_IN.fullmatch(text)) and edit.find(found["old"].split()) is not None:
        return ["replace", *found["old"].split(), "with", *with_article(found["new"].split())]
    if (found := _OF_THEM.fullmatch(text)) and number_of(found["many"]):
        return [found["many"], *found["what"].split()]
    if found := _RESTATED.search(text):
        return [*text[: found.start()].split(), *text[found.start("again") :].split()]
    for found in _REPAIRS.finditer(text):
        left, right = text[: found.start()].split(), text[found.end() :].split()
        if not left or not right or not found.group().strip(" ,"):
            continue
        new = chunks_of(edit, right)
        old = chunks_of(edit, left)
        if new and new[0].kind in _VERBS and plain_orders(edit, left) is None and plain_orders(edit, right) is not None:
            return right  # "stuff it with , no , put a coin in front of it"
        if not new or not old or old[-1].kind not in ("new", "there", "unread", "colour", "number"):
            continue
        if new[0].kind not in ("new", "there", "colour", "number"):
            continue
        kept = next(
            (at for at in range(len(left)) if left[at:] and left[at] in ARTICLES | phrases().indefinite), len(left) - 1
        )
        return [*left[:kept], *right]
    return list(words)
