"""What a C2PA manifest of ours says of a drawing, in the JSON of the C2PA SDK.

The first action is ``c2pa.created``. A drawing that a model has made is created as that, and its references are inputs.
Where existing pictures were pasted or edited, an empty canvas is created and the pictures are placed on it, and that is
the action which has IPTC's term: "created" is kept for what did not exist before (C2PA Implementation Guidance, on
editing by generative models).
"""

from __future__ import annotations

from typing import Any

from imagerag.provenance.sources import Source, sources_of
from imagerag.store.digital_source import TRAINED, address_of
from imagerag.store.image_data import FileFormat
from imagerag.store.manifest import Manifest

EMPTY = "http://c2pa.org/digitalsourcetype/empty"
"""C2PA's term for a blank canvas (C2PA specification 2.2, on actions)."""
MIME: dict[FileFormat, str] = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
LONGEST_TITLE = 200
"""Characters; the prompt stands whole in our own manifest, which is signed with the file."""


def definition(manifest: Manifest, kind: FileFormat) -> dict[str, Any]:
    """Return the manifest's definition for ``c2pa.Builder``."""
    program = {"name": "imagerag", "version": manifest.versions.get("imagerag", "unknown")}
    sources = sources_of(manifest)
    names = [f"source-{number}" for number in range(1, len(sources) + 1)]
    shown = [name for source, name in zip(sources, names, strict=True) if source.is_shown]
    made = manifest.term == TRAINED
    agent = {"softwareAgent": {"name": manifest.generator, "version": manifest.generator_revision}}
    named = names if made else shown
    placed = {"parameters": {"ingredientIds": named}} if named else {}
    term = address_of(manifest.term)
    if made:
        actions = [{"action": "c2pa.created", "digitalSourceType": term, **agent, **placed}]
    elif shown:
        actions = [
            {"action": "c2pa.created", "digitalSourceType": EMPTY, **agent},
            {"action": "c2pa.placed", "digitalSourceType": term, **agent, **placed},
        ]
    else:
        actions = [
            {"action": "c2pa.created", "digitalSourceType": EMPTY, **agent},
            {"action": "c2pa.edited", "digitalSourceType": term, **agent},
        ]
    return {
        "claim_generator_info": [program],
        "title": manifest.prompt[:LONGEST_TITLE],
        "format": MIME[kind],
        "ingredients": [
            _ingredient(source, name, "inputTo" if made or not source.is_shown else "componentOf")
            for source, name in zip(sources, names, strict=True)
        ],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}}],
    }


def _ingredient(source: Source, name: str, relationship: str) -> dict[str, Any]:
    """Return an ingredient that is told of, not enclosed: its pixels are its maker's."""
    told = {
        "label": name,
        "title": source.title or source.concept or "a picture",
        "relationship": relationship,
        "instance_id": f"imagerag:sha256:{source.sha256}",
        "description": source.attribution,
    }
    if source.link.startswith(("https://", "http://")):
        told["informational_URI"] = source.link
    return told
