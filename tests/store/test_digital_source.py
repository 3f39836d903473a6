"""IPTC's terms, and which drawing has which."""

from typing import get_args

import pytest

from imagerag.generators.base import Reuse, source_type
from imagerag.store.digital_source import COMPOSITE, TRAINED, VOCABULARY, SourceType, address_of, is_ours, meaning
from testing.stored_images import manifest


def test_terms_have_addresses_and_words() -> None:
    assert address_of(TRAINED) == "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    for term in get_args(SourceType):
        assert is_ours(term)
        assert "generative model" in meaning(VOCABULARY + term)
    assert meaning("https://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture/") == "photographed"
    assert "no term" in meaning("http://example.org/nonsense")
    assert not is_ours("digitalCapture")


class Draws:
    def __init__(self, reuses: Reuse) -> None:
        self.reuses = reuses


@pytest.mark.parametrize(
    ("reuses", "without", "with_references"),
    [("nothing", TRAINED, TRAINED), ("references", TRAINED, COMPOSITE), ("own pictures", COMPOSITE, COMPOSITE)],
)
def test_a_drawing_is_a_composite_where_parts_of_pictures_reach_it(
    reuses: Reuse, without: SourceType, with_references: SourceType
) -> None:
    generator = Draws(reuses)
    assert source_type(generator, []) == without  # type: ignore[arg-type]
    assert source_type(generator, ["one"]) == with_references  # type: ignore[arg-type]
    assert source_type(object(), ["one"]) == TRAINED  # type: ignore[arg-type]


def test_an_old_manifest_is_told_by_its_generator() -> None:
    assert manifest(generator="patchwork").model_copy(update={"source_type": ""}).term == COMPOSITE
    assert manifest(generator="sdxl").model_copy(update={"source_type": ""}).term == TRAINED
    assert manifest(source_type=COMPOSITE).term == COMPOSITE
