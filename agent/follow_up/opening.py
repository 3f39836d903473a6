"""Reading the first request of a conversation, as people word it to somebody, into the picture that is wanted.

A prompt that is nothing but a scene is no business of this module. What is said around a scene ("I drive a bus for a
living. ...") is told from it by how people wish for something, and what is said of a thing apart from it ("..., fox on
the left") is said where the thing is.
"""

import re
from collections.abc import Collection

from imagerag.agent.follow_up.opening_names import Vocabulary
from imagerag.agent.follow_up.opening_parts import Opening
from imagerag.agent.follow_up.opening_plain import has_signs, is_plain
from imagerag.agent.follow_up.opening_told import Told
from imagerag.agent.follow_up.opening_wished import Wished
from imagerag.agent.follow_up.opening_wording import ENDS, chat_words, opening_tables, split_at

_MARKED = re.compile(r"[.,:;!?()]")
LONGEST = 60
"""Words of the longest request that is taken for talk; a longer one is the description of a scene."""
_SYNTAX = re.compile(r"[<>\[\]{}]|\b\w+:\d|::|\s--[a-z]|\bBREAK\b|negative prompt", re.IGNORECASE)
"""What prompts for other tools are written with."""
_NARRATED = re.compile(r"(?:^|\. |, )(?:we|you|i)(?: can| could)? see\b")
"""How the writers of long prompts tell what is in a picture, which is no talk."""


def opened(request: str, names: Collection[str], known: Collection[str], *, talk_only: bool) -> Opening | None:
    """Return the picture that a first request asks for; ``None`` where it is to be drawn as it stands.

    Args:
        request: as typed.
        names: of the library.
        known: names of things, with those.
        talk_only: leave everything but talk as it is, as prompts for real models are written.
    """
    words = chat_words(request)
    if not words or len(words) > LONGEST or _SYNTAX.search(request) or _NARRATED.search(" ".join(words)):
        return None
    text = request.lower()
    if any(name in text for name in names if _MARKED.search(name)):
        return None  # "mrs. claus" and "o button (blood type)" are names
    vocabulary = Vocabulary(names, known, opening_tables().headings)
    sentences = list(split_at(words, ENDS))
    wished = Wished(vocabulary, talk_only)
    if wished.wished([part for sentence in sentences for part in split_at(sentence, {":"})]):
        return wished.opening(request)
    if talk_only or is_plain(request, words, vocabulary):
        return None
    told = Told(vocabulary, talk_only)
    if not told.told(sentences, words) or not (has_signs(request) or told.remarks or told.lists):
        return None
    return told.opening(request)
