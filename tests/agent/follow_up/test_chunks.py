"""Words of a sentence parted by what they do."""

import pytest

from imagerag.agent.follow_up.chunks import chunks_of
from imagerag.agent.follow_up.edit import Edit
from imagerag.agent.follow_up.lexicon import CODES, codes_of, lexicon
from testing.follow_ups import NAMES


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        ("put a ball on the dog", "pNRT"),
        ("the dog should be red", "TiC"),
        ("take the dog away", "rTr"),
        ("the cat", "u"),
        ("to the left", "S"),
        ("in the background", "RT"),
    ],
)
def test_each_chunk_has_the_kind_of_what_it_does(words: str, codes: str) -> None:
    assert codes_of(chunks_of(Edit.of("a dog", NAMES, NAMES), words.split())) == codes


def test_kinds_have_letters_of_their_own_and_no_verb_is_filler() -> None:
    assert len(set(CODES.values())) == len(CODES)
    assert not {verb[0] for verb in lexicon().verbs["remove"] if len(verb) == 1} & lexicon().filler
