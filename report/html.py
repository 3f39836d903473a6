"""The page of a run: one file with everything in it, for any browser, without scripts or outside resources."""

import base64
import mimetypes
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from imagerag.graphs.nodes.finish import why_ended
from imagerag.places import without_folders, without_place
from imagerag.report.json_document import Document
from imagerag.store.png import encode_png

TEMPLATE = "report.html.j2"
NAMES = ("generator", "vlm", "critic", "model")
"""Keys of a document under which models are named, which may lie in a folder."""


def render_page(document: Document) -> str:
    """Return the page as HTML.

    Every text is escaped: prompts, captions and titles come from people, models and libraries. Images are inlined as
    they are, so the page keeps their manifests.

    Raises:
        OSError: an image of the run can't be read. (One of a reference is left out, with its place marked.)
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = resources.files("imagerag.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    pictures = {image["id"]: _inline(Path(image["path"])) for image in document["images"]}
    for reference in document["references"]:
        path = Path(reference["path"])
        if path.is_file():
            pictures[reference["id"]] = _inline(path)
    shown = _without_places(document)
    references = {reference["id"]: reference for reference in shown["references"]}
    why = why_ended(document["stop_reason"], document["trace"])
    return environment.from_string(source).render(run=shown, pictures=pictures, references=references, why=why)


def _without_places(value: Any, name: str = "") -> Any:
    """Return a part of a document without where things are on this machine: the page is given to others."""
    if isinstance(value, str):
        return without_place(value) if name in NAMES else value if name == "prompt" else without_folders(value)
    if isinstance(value, dict):
        return {key: _without_places(one, key) for key, one in value.items()}
    return [_without_places(one) for one in value] if isinstance(value, list | tuple) else value


def _inline(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "image/png"
    return f"data:{kind};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


THUMBNAIL = 256
"""Pixels on the longer side of what ``render_search`` shows."""


def render_search(words: str, found: Sequence[Mapping[str, object]]) -> str:
    """Return a page of what a search found, with thumbnails in it; as ``render_page``.

    Args:
        words: what was looked for.
        found: ``path``, ``similarity``, ``caption``, ``source`` and ``licence`` each.

    Raises:
        OSError: a picture can't be read.
    """
    from jinja2 import Environment, StrictUndefined
    from PIL import Image

    pictures = []
    for entry in found:
        with Image.open(str(entry["path"])) as picture:
            picture.thumbnail((THUMBNAIL, THUMBNAIL))
            data = encode_png(picture)
        pictures.append(f"data:image/png;base64,{base64.b64encode(data).decode('ascii')}")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    source = resources.files("imagerag.report").joinpath("search.html.j2").read_text(encoding="utf-8")
    return environment.from_string(source).render(words=words, found=found, pictures=pictures)
