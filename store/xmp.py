"""The XMP packet of a picture: what other programs read of how it was made.

It carries IPTC's ``DigitalSourceType``, IPTC's fields for the system that made the picture (Photo Metadata Standard
2025.1) and XMP's own for the program and the date. A copy in another size or format, from which nothing can be drawn
again, carries our manifest here as well. Packets as in the XMP specification, part 1 (ISO 16684-1), section 7.3.2.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape

from imagerag.store.digital_source import MEANINGS, VOCABULARY, address_of
from imagerag.store.manifest import Manifest

if TYPE_CHECKING:
    from PIL import Image

KEYWORD = "XML:com.adobe.xmp"
"""Of the iTXt chunk of a PNG that holds the packet (XMP specification, part 3, section 1.1.5)."""
MOST_BYTES = 65_000
"""Of a packet in a JPEG, whose segments hold 65,533 (XMP specification, part 3, section 1.1.3)."""

LEFT_OUT = "left_out"
"""Fact of a copy that had no room for the facts of the drawing."""
MOST_READ = 4 * 2**20
"""Bytes of a packet of anybody's; larger ones hold pictures or histories, and take their time to parse."""

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
XMP = "http://ns.adobe.com/xap/1.0/"
DCTERMS = "http://purl.org/dc/terms/"
OURS = "urn:imagerag:xmp:1/"

UNKNOWN_DIGEST = "0" * 64
"""Stands for the digest of a copy's image data until that is encoded; as long as any other, so that it is exchanged
without moving anything."""


class Packet(NamedTuple):
    """What a packet says, ours or another maker's; empty where it says nothing of it.

    Attributes:
        source_type: the address of a term of IPTC's.
        system: that made the picture.
        manifest: JSON of our manifest, of a copy.
        data_sha256: of a copy's image data; see ``imagerag.store.image_data``.
        provenance: the address of a C2PA manifest that lies elsewhere.
    """

    source_type: str = ""
    system: str = ""
    manifest: str = ""
    data_sha256: str = ""
    provenance: str = ""


def packet_of(manifest: Manifest, *, copy: bool = False) -> str:
    """Return the packet of a drawing.

    Args:
        manifest: of the drawing.
        copy: it is for a copy in another size or format: our manifest goes in, and room for the image data's digest.
            Where a JPEG has no room for it, of its ``facts`` only those stay by which the makers of what was pasted are
            known; then none, which ``LEFT_OUT`` says; and where that is not enough, nothing of the manifest.
    """
    program = f"imagerag {manifest.versions.get('imagerag', '')}".strip()
    about = (
        _element("Iptc4xmpExt:DigitalSourceType", address_of(manifest.term))
        + _element("Iptc4xmpExt:AISystemUsed", manifest.generator)
        + _element("Iptc4xmpExt:AISystemVersionUsed", manifest.generator_revision)
        + _element("xmp:CreatorTool", program)
        + _element("xmp:CreateDate", manifest.created)
    )
    if not copy:
        return _packet(about)
    about += _element("imagerag:DataSha256", UNKNOWN_DIGEST)
    for facts in (manifest.facts, _of_makers(manifest.facts), {LEFT_OUT: True}):
        whole = _packet(about + _element("imagerag:Manifest", manifest.model_copy(update={"facts": facts}).text()))
        if len(whole.encode()) <= MOST_BYTES:
            return whole
    return _packet(about)


def _of_makers(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return of a generator's facts those from which ``imagerag.provenance.sources`` tells whose pictures it pasted."""
    objects = facts.get("objects")
    if not isinstance(objects, list):
        return {}
    kept = ("sha256", "concept", "set", "reference")
    return {
        "objects": [
            {
                "phrase": one.get("phrase", ""),
                "examples": [
                    {name: example[name] for name in kept if name in example}
                    for example in one.get("examples") or []
                    if isinstance(example, dict) and example.get("reference") is False
                ],
            }
            for one in objects
            if isinstance(one, dict)
        ]
    }


def with_digest(data: bytes, digest: str) -> bytes:
    """Return a file with its image data's digest in the packet of a copy, in the room that was left for it."""
    room, filled = (_element("imagerag:DataSha256", one).encode() for one in (UNKNOWN_DIGEST, digest))
    return data.replace(room, filled, 1)


def mark(source_type: str) -> bytes:
    """Return a packet that says how a picture was made, by the address of IPTC's term, and nothing else."""
    return _packet(_element("Iptc4xmpExt:DigitalSourceType", source_type)).encode()


def mark_of(image: Image.Image) -> bytes | None:
    """Return the mark for a smaller copy of a picture, or ``None`` where the picture says nothing of how it was made.

    Args:
        image: as opened from its file, anybody's; what else its XMP tells of him is not passed on.
    """
    data = image.info.get("xmp")
    found = read_packet(data) if isinstance(data, bytes) else None
    term = found.source_type.removeprefix(VOCABULARY) if found is not None else ""
    return mark(VOCABULARY + term) if term in MEANINGS else None


def _packet(properties: str) -> str:
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}"><rdf:Description rdf:about=""'
        f' xmlns:Iptc4xmpExt="{IPTC}" xmlns:xmp="{XMP}" xmlns:imagerag="{OURS}">'
        f'{properties}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    )


def _element(name: str, text: str) -> str:
    return f"<{name}>{_text(text)}</{name}>" if text else ""


def read_packet(data: bytes) -> Packet | None:
    """Return what a packet says, or ``None`` where it is no well-formed XML.

    Args:
        data: the packet, anybody's. One with a document type is not parsed, since XMP has none, and entities can be
            bombs; nor is one of more than ``MOST_READ`` bytes.
    """
    if len(data) > MOST_READ:
        return None
    try:
        text = data.decode("utf-8-sig").strip("\0 \r\n\t")
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            return None
        root = ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError, RecursionError):
        return None
    return Packet(
        source_type=_found(root, f"{{{IPTC}}}DigitalSourceType"),
        system=_found(root, f"{{{IPTC}}}AISystemUsed"),
        manifest=_found(root, f"{{{OURS}}}Manifest"),
        data_sha256=_found(root, f"{{{OURS}}}DataSha256"),
        provenance=_found(root, f"{{{DCTERMS}}}provenance"),
    )


def _found(root: ElementTree.Element, name: str) -> str:
    """Return a property's text, in each of the three ways in which RDF writes it: attribute, element, resource."""
    for element in root.iter():
        if name in element.attrib:
            return element.attrib[name].strip()
        if element.tag == name:
            inner = element.text or next((one.text for one in element.iter() if one.text and one.text.strip()), "")
            return (element.attrib.get(f"{{{RDF}}}resource") or inner or "").strip()
    return ""


def _text(text: str) -> str:
    """Return a text as XML 1.0 takes it, which has no place for most control characters."""
    return escape("".join(one for one in text if one in "\t\n\r" or " " <= one not in "\ufffe\uffff"))
