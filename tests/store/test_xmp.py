"""XMP packets: written as others read them, and read from anybody."""

import pytest
from PIL import Image

from imagerag.store import xmp
from imagerag.store.digital_source import VOCABULARY
from imagerag.store.manifest import parse_manifest
from testing.stored_images import manifest

TERM = VOCABULARY + "trainedAlgorithmicMedia"


def packet(properties: str = "", attributes: str = "") -> bytes:
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{xmp.RDF}"><rdf:Description rdf:about=""'
        f' xmlns:Iptc4xmpExt="{xmp.IPTC}" xmlns:dcterms="{xmp.DCTERMS}" {attributes}>{properties}</rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def test_a_packet_says_how_the_drawing_came_about_and_what_made_it() -> None:
    made = manifest(generator='sdxl <&> "x"', generator_revision="r1")
    found = xmp.read_packet(xmp.packet_of(made).encode())
    assert found is not None
    assert (found.source_type, found.system) == (TERM, 'sdxl <&> "x"')
    assert found.manifest == found.data_sha256 == ""
    pasted = made.model_copy(update={"source_type": "compositeWithTrainedAlgorithmicMedia"})
    assert VOCABULARY + "compositeWithTrainedAlgorithmicMedia" in xmp.packet_of(pasted)


def test_the_packet_of_a_copy_has_the_whole_manifest_as_far_as_there_is_room() -> None:
    made = manifest(prompt="a <lobster> & \u0007 ]]> 着物 🦞 \r\n" + xmp.UNKNOWN_DIGEST)
    text = xmp.packet_of(made, copy=True)
    found = xmp.read_packet(xmp.with_digest(text.encode(), "ab" * 32))
    assert found is not None
    assert parse_manifest(found.manifest, "x") == made
    assert found.data_sha256 == "ab" * 32
    larger = manifest(facts={"notes": ["x" * xmp.MOST_BYTES]})
    found = xmp.read_packet(xmp.packet_of(larger, copy=True).encode())
    assert found is not None
    assert parse_manifest(found.manifest, "x") == larger.model_copy(update={"facts": {}})
    example = {"sha256": "a" * 64, "concept": "owl", "set": "openmoji", "reference": False, "weights": ["x"] * 100}
    shown = {"phrase": "an owl", "examples": [example, {**example, "reference": True}], "place": "x" * xmp.MOST_BYTES}
    pasted = xmp.read_packet(xmp.packet_of(manifest(facts={"objects": [shown]}), copy=True).encode())
    assert pasted is not None
    (kept,) = parse_manifest(pasted.manifest, "x").facts["objects"]
    assert kept == {"phrase": "an owl", "examples": [{name: example[name] for name in list(example)[:4]}]}
    huge = xmp.packet_of(manifest(prompt="x" * xmp.MOST_BYTES), copy=True)
    assert len(huge) < 2000
    assert VOCABULARY in huge


@pytest.mark.parametrize(
    "data",
    [
        packet(f"<Iptc4xmpExt:DigitalSourceType>\n {TERM} </Iptc4xmpExt:DigitalSourceType>"),
        packet(f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{TERM}"/>'),
        packet(attributes=f'Iptc4xmpExt:DigitalSourceType="{TERM}"'),
        packet(
            f"<Iptc4xmpExt:DigitalSourceType><rdf:Alt><rdf:li>{TERM}</rdf:li></rdf:Alt></Iptc4xmpExt:DigitalSourceType>"
        ),
        "\ufeff".encode() + packet(f"<Iptc4xmpExt:DigitalSourceType>{TERM}</Iptc4xmpExt:DigitalSourceType>") + b"\0\0",
    ],
)
def test_all_ways_of_writing_a_property_are_read(data: bytes) -> None:
    found = xmp.read_packet(data)
    assert found is not None
    assert found.source_type == TERM


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<x",
        b"\xff\xfe\x00",
        b"<a>" * 200_000,
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        packet("x" * xmp.MOST_READ),
    ],
)
def test_what_is_no_packet_or_may_be_a_bomb_says_nothing(data: bytes) -> None:
    assert xmp.read_packet(data) is None


def test_of_anybodys_packet_only_the_kind_of_source_is_carried_on() -> None:
    image = Image.new("RGB", (2, 2))
    assert xmp.mark_of(image) is None
    image.info["xmp"] = packet(
        f"<Iptc4xmpExt:DigitalSourceType>{TERM}</Iptc4xmpExt:DigitalSourceType><secret>home</secret>".replace(
            "secret", "Iptc4xmpExt:Event"
        )
    )
    assert xmp.mark_of(image) == xmp.mark(TERM)
    image.info["xmp"] = packet(f"<Iptc4xmpExt:DigitalSourceType>{VOCABULARY}home</Iptc4xmpExt:DigitalSourceType>")
    assert xmp.mark_of(image) is None
