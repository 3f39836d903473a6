"""What a C2PA manifest of ours says."""

from imagerag.provenance.claim import EMPTY, definition
from imagerag.store.digital_source import COMPOSITE, VOCABULARY
from imagerag.store.manifest import ManifestReference
from testing.stored_images import REFERENCE, manifest


def actions(of: dict[str, object]) -> list[dict[str, object]]:
    return of["assertions"][0]["data"]["actions"]  # type: ignore[index, no-any-return]


def test_a_model_alone_creates_and_its_references_are_inputs() -> None:
    said = definition(manifest(generator="sdxl"), "jpeg")
    (created,) = actions(said)
    assert created["action"] == "c2pa.created"
    assert created["digitalSourceType"] == VOCABULARY + "trainedAlgorithmicMedia"
    assert created["parameters"] == {"ingredientIds": ["source-1"]}
    assert said["format"] == "image/jpeg"
    assert [one["relationship"] for one in said["ingredients"]] == ["inputTo"]


def test_pasted_pictures_are_placed_on_an_empty_canvas() -> None:
    said = definition(manifest(source_type=COMPOSITE), "png")
    created, placed = actions(said)
    assert (created["action"], created["digitalSourceType"]) == ("c2pa.created", EMPTY)
    assert (placed["action"], placed["digitalSourceType"]) == ("c2pa.placed", VOCABULARY + COMPOSITE)
    assert [one["relationship"] for one in said["ingredients"]] == ["componentOf"]


def test_a_reference_is_told_with_its_licence_and_address_and_nothing_of_this_machine() -> None:
    record = {**REFERENCE, "creator": "Jane Roe", "licence": "CC-BY-4.0", "link": "https://example.org/kimono"}
    of_a_web_source = ManifestReference.of(record)  # type: ignore[arg-type]
    odd = ManifestReference.of({**REFERENCE, "sha256": "cd" * 32, "link": "javascript:alert(1)"})  # type: ignore[typeddict-item]
    own = ManifestReference.of({**REFERENCE, "sha256": "ef" * 32, "kind": "subject", "title": "my-cat.png"})
    first, second, third = definition(manifest(references=[of_a_web_source, odd, own]), "png")["ingredients"]
    assert first["title"] == "kimono"
    assert "by Jane Roe" in first["description"]
    assert "CC-BY-4.0" in first["description"]
    assert first["informational_URI"] == "https://example.org/kimono"
    assert first["instance_id"].endswith(REFERENCE["sha256"])
    assert "informational_URI" not in second
    assert "my-cat" not in str(third)
    assert "/somewhere" not in str((first, second, third))
