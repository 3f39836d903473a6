"""Which first requests are scenes as they stand, that need no other reading."""

import re
from collections.abc import Sequence

from imagerag.agent.follow_up.opening_names import Vocabulary
from imagerag.agent.follow_up.opening_wording import opening_tables
from imagerag.agent.follow_up.phrases import words_of
from imagerag.prompt_grammar.parser import parse_scene

_SHORT = frozenset(["bday", "overhead", "w", "w/", "n", "pls", "plz", "please", "x2", "x3", "x4", "x5"])
_SEPARATORS = re.compile(r"\s(?:\||/|--|\u2014|\u2013)\s|\s\+\s")


def is_plain(request: str, words: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Tell whether a request is a scene that is read as it stands: of known things alone, each told of once."""
    things = parse_scene(request, vocabulary.names).objects
    unknown = [thing for thing in things if not vocabulary.name(thing.phrase.split())]
    repeated = len({thing.phrase for thing in things}) < len(things)
    pointing = {"it", "her", "him", "its", "them"} & set(words)
    return not (unknown or repeated or pointing or (has_signs(request) and not _is_list(request)))


def has_signs(request: str) -> bool:
    """Tell whether a request is more than one noun phrase, as far as its marks and short words tell."""
    typed = words_of(request)
    signs = opening_tables().talk - {"my"} | _SHORT | {":", ";", "(", "+", "all", "both", "there", ",", ".", "!"}
    inner = typed[:-1] if typed[-1:] in (["."], ["!"]) else typed
    return typed[:1] in (["in"], ["at"], ["deep"]) or bool(set(inner) & signs or _SEPARATORS.search(request))


def _is_list(request: str) -> bool:
    """Tell whether nothing but commas joins what a request names, which the grammar of prompts reads as well."""
    typed = set(words_of(request.rstrip(" .")))
    signs = opening_tables().talk - {"my"} | _SHORT | {":", ";", "(", "+", "all", "both", "there", "!", "."}
    return not (typed & signs or _SEPARATORS.search(request)) and words_of(request)[0] not in ("in", "at", "deep")
