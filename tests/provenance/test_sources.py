"""Whom to thank for a drawing."""

from imagerag.assets.library import bundled_library
from imagerag.provenance.sources import sources_of
from imagerag.store.manifest import ManifestReference
from testing.stored_images import REFERENCE, manifest


def example(sha256: str, reference: object = False) -> dict[str, object]:
    return {"concept": "owl", "set": "noto", "weight": 1.0, "reference": reference, "sha256": sha256}


def test_references_come_first_and_each_picture_once() -> None:
    entry = bundled_library().entries[0]
    objects = [{"phrase": "owl", "examples": [example(entry.sha256), example(REFERENCE["sha256"], True)]}] * 2
    found = sources_of(manifest(facts={"objects": objects}))
    assert [one.kind for one in found] == ["retrieved", "base"]
    assert found[0].attribution == '"kimono", Noto Emoji u1f458, Apache-2.0'
    assert (found[1].licence, found[1].attribution) == (entry.licence, f'"owl", {entry.source}, {entry.licence}')


def test_a_manifest_of_before_there_were_attributions_has_them_made() -> None:
    old = ManifestReference.of(REFERENCE).model_copy(update={"attribution": ""})
    (found,) = sources_of(manifest(references=[old]))
    assert found.attribution == '"kimono", Noto Emoji u1f458, Apache-2.0'


def test_a_pictogram_that_is_not_in_the_library_any_more_has_an_unknown_licence() -> None:
    (found,) = sources_of(manifest(references=[], facts={"objects": [{"examples": [example("00" * 32)]}]}))
    assert found.licence == "unknown"
    assert "licence unknown" in found.attribution


def test_facts_of_anybodys_are_no_reason_to_fail() -> None:
    for facts in ({"objects": 7}, {"objects": [None, {"examples": 3}, {"examples": [None, {"reference": False}]}]}):
        assert len(sources_of(manifest(references=[], facts=facts))) <= 1
