"""The page of a run: one file with everything in it, for any browser, without scripts or outside resources."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from imagerag.agent.absence import presence_in_words
from imagerag.attribution import attribution, credit_of, quotes_of
from imagerag.graphs.nodes.finish import why_ended
from imagerag.places import without_folders, without_place
from imagerag.report.json_document import Document
from imagerag.report.templates import render
from imagerag.store.inline_pictures import drawing_file, smaller, whole_file

NAMES = ("generator", "vlm", "critic", "model")
"""Keys of a document under which models are named, which may lie in a folder."""


def render_page(document: Document) -> str:
    """Return the page as HTML.

    Every text is escaped: prompts, captions and titles come from people, models and libraries. Images are inlined as
    they are, so the page keeps their manifests.

    Raises:
        OSError: an image of the run can't be read. (One of a reference is left out, with its place marked.)
    """
    pictures = {image["id"]: drawing_file(image["path"]) for image in document["images"]}
    for reference in document["references"]:
        with suppress(OSError):
            pictures[reference["id"]] = whole_file(reference["path"])
    shown = _without_places(document)
    references = {reference["id"]: reference for reference in shown["references"]}
    why = why_ended(document["stop_reason"], document["trace"])
    words = {"why": why, "in_words": presence_in_words, "attribution": attribution, "quotes": quotes_of(shown["trace"])}
    return render("report.html.j2", run=shown, pictures=pictures, references=references, **words)


def _without_places(value: Any, name: str = "") -> Any:
    """Return a part of a document without where things are on this machine: the page is given to others."""
    if isinstance(value, str):
        return without_place(value) if name in NAMES else value if name == "prompt" else without_folders(value)
    if isinstance(value, dict):
        return {key: _without_places(one, key) for key, one in value.items()}
    return [_without_places(one) for one in value] if isinstance(value, list | tuple) else value


def render_search(words: str, found: Sequence[Mapping[str, object]]) -> str:
    """Return a page of what a search found, with thumbnails in it; as ``render_page``.

    Args:
        words: what was looked for.
        found: ``path``, ``similarity``, ``caption``, ``source`` and ``licence`` each.

    Raises:
        OSError: a picture can't be read.
    """
    pictures = [smaller(str(entry["path"])) for entry in found]
    return render("search.html.j2", words=words, found=found, pictures=pictures)


def render_conversation(name: str, turns: Sequence[Mapping[str, Any]], files: Mapping[str, Path]) -> str:
    """Return the page of a conversation, with small copies of its images that lead to the files beside the page.

    Args:
        name: of the conversation.
        turns: ``turn``, ``request``, ``prompt``, ``images``, ``best`` and ``references`` each.
        files: of the images, by id.

    Raises:
        OSError: an image can't be read.
    """
    pictures = {image_id: smaller(file) for image_id, file in files.items()}
    shown = [_without_places(dict(turn)) for turn in turns]
    names = {image_id: file.name for image_id, file in files.items()}
    about = {"name": name, "turns": shown, "credit_of": credit_of}
    return render("conversation.html.j2", pictures=pictures, files=names, **about)


def render_batch(rows: Sequence[Mapping[str, Any]], count: int, folder: Path) -> str:
    """Return the page of a batch, with small copies of its images that lead to the files beside the page.

    Args:
        rows: the outcomes (``imagerag.cli.batch_journal.Done``), of those that there are.
        count: of all rows.
        folder: of the images.
    """
    pictures = {}
    for row in rows:
        if row["file"]:
            with suppress(OSError):  # its place is marked
                pictures[row["key"]] = smaller(folder / row["file"], lossy=True)
    return render("batch.html.j2", name=folder.name, rows=_without_places(list(rows)), count=count, pictures=pictures)
