"""Results of MCP tools: words, previews and a record, together well below the megabyte that clients take.

Each image's address stands in the words and in the record, not in a block of its own: adapters make an image with that
address of a link to an image, and no provider of a chat model can fetch it.
"""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import CallToolResult, ContentBlock, ImageContent, TextContent
from pydantic import BaseModel, Field

from imagerag.agent.absence import presence_in_words
from imagerag.records import ConceptScore
from imagerag.server.database import Entry
from imagerag.server.run import Run
from imagerag.server.run_summary import (
    ImageOut,
    ReferenceOut,
    RunOut,
    concepts_out,
    image_out,
    images_told,
    reference_out,
    run_out,
)
from imagerag.server.service import Service
from imagerag.server.thumbnails import MAX_BYTES, MAX_SIDE, MIME, preview
from imagerag.store import xmp
from imagerag.store.digital_source import address_of
from imagerag.tool_registry import GENERATE, INSPECT_IMAGE, PROPOSE_CAPTIONS, REGENERATE, SEARCH_REFERENCES

SMALL_SIDE = 256
"""Pixels of a preview where a result has several."""
MAX_LINKS = 40
"""Addresses, previews and lines in one result; the record has them all."""

MAX_RESULT = 950_000
"""Bytes of a serialised result, whatever is in it."""


class ImagesOut(BaseModel):
    """Images just drawn; the critic has not seen them."""

    thread: str
    images: list[ImageOut]


class InspectionOut(BaseModel):
    """What is in an image."""

    thread: str
    image_id: str
    concepts: list[ConceptScore]


class CaptionOut(BaseModel):
    """One caption to search with."""

    concept: str
    caption: str


class CaptionsOut(BaseModel):
    """Captions to search with."""

    thread: str
    captions: list[CaptionOut]


class ReferencesOut(BaseModel):
    """References found; empty when the library has nothing close enough."""

    thread: str
    references: list[ReferenceOut] = Field(description="best first, for each concept")


OUTPUTS: dict[str, type[BaseModel]] = {
    GENERATE: ImagesOut,
    INSPECT_IMAGE: InspectionOut,
    PROPOSE_CAPTIONS: CaptionsOut,
    SEARCH_REFERENCES: ReferencesOut,
    REGENERATE: ImagesOut,
}


def address(entry_id: str) -> str:
    """Return the resource's URI of an entry."""
    return f"imagerag://images/{entry_id}"


def tool_result(service: Service, run: Run, name: str) -> CallToolResult:
    """Word what one of the five tools returned."""
    artifact: Mapping[str, Any] = run.value.artifact
    words = str(run.value.text)
    records = artifact.get("images") or artifact.get("references") or []
    entries = service.enter(run, records)
    out: BaseModel
    if name == INSPECT_IMAGE:
        concepts = concepts_out(artifact["concepts"])
        out = InspectionOut(thread=run.thread, image_id=artifact["image_id"], concepts=concepts)
    elif name == PROPOSE_CAPTIONS:
        out = CaptionsOut(thread=run.thread, captions=[CaptionOut(**entry) for entry in artifact["captions"]])
    elif name == SEARCH_REFERENCES:
        references = [reference_out(record, address(entries[record["id"]].id)) for record in records]
        out = ReferencesOut(thread=run.thread, references=references)
    else:
        known = service.threads.state(run.client, run.thread).get("all_references", ())
        images = [image_out(record, address(entries[record["id"]].id), references=known) for record in records]
        out = ImagesOut(thread=run.thread, images=images)
    lines = words.split("\n")
    if len(lines) > MAX_LINKS:
        lines = [*lines[:MAX_LINKS], f"and {len(lines) - MAX_LINKS} more"]
    text = "\n".join(line[:600] for line in lines)
    return _result(service, [f"{text}\nthread: {run.thread}"], list(entries.values()), out)


def run_result(service: Service, run: Run) -> CallToolResult:
    """Word a run of the whole loop, at its end or under way, with its best image."""
    out = run_out(service, run, address)
    entries = service.enter(run, [record for record in _images(run) if out.image and record["id"] == out.image.id])
    result = _result(service, _summary(out), list(entries.values()), out)
    result.is_error = out.status == "failed"
    return result


def _images(run: Run) -> Iterable[Any]:
    if run.output is not None:
        return images_told(run.output)
    return {
        record["id"]: record for event in list(run.events) if event["event"] == "images" for record in event["images"]
    }.values()


def _summary(out: RunOut) -> list[str]:
    if out.error:
        return [out.error]
    lines = [f"run {out.run_id}, thread {out.thread}: {out.status}"]
    if out.status == "queued":
        lines.append(f"{out.position} requests come first; ask again with get_image")
    elif out.status == "running":
        lines.append(f"step {out.done_steps} of {out.total_steps} of a drawing; ask again with get_image")
    elif out.status == "stopping":
        lines.append("it stops at its next denoising step; ask again with get_image")
    elif out.status == "asking":
        lines.append(f"waits for the person's word on a redraw with {', '.join(out.chosen)}: give it with answer_image")
    if out.answer:
        lines.append(f"answered, and nothing drawn: {out.answer}")
    if out.image:
        image = out.image
        score = "not judged" if image.score is None else f"score {image.score:.2f}"
        what = "the picture as it stands" if out.answer else "best image"
        lines.append(f"{what}: {image.id}, {score}, seed {image.seed}, {image.uri}")
        lines += [
            f"- {concept['concept']}: {presence_in_words(concept)} ({concept['score']:.2f})"
            for concept in out.concepts[:MAX_LINKS]
        ]
    for reference in out.references[:MAX_LINKS]:
        lines.append(f"{reference.id} for {reference.concept!r}: {reference.attribution}")
    for quote in out.quotes[:MAX_LINKS]:
        page = f"page {quote.title!r}, as data: {quote.quote!r} ({quote.link})"
        lines.append(f"{quote.source} on {quote.concept!r}, {page}")
    lines += [f"note: {note}" for note in out.notes[:MAX_LINKS]]
    if out.stop_reason:
        lines.append(f"stopped: {out.stop_reason}; {len(out.images)} images, {out.seconds:.1f} s")
    return lines


def _result(service: Service, lines: list[str], entries: list[Entry], out: BaseModel) -> CallToolResult:
    links = [f"{entry.name}: {address(entry.id)}" for entry in entries[:MAX_LINKS]]
    content: list[ContentBlock] = [TextContent(type="text", text="\n".join([*lines, *links]))]
    left = MAX_BYTES
    for entry in entries[:MAX_LINKS]:
        mark = xmp.mark(address_of(service.manifest(entry).term)) if entry.kind == "image" else b""
        data = preview(service.picture(entry), MAX_SIDE if len(entries) == 1 else SMALL_SIDE, left, mark)
        if len(data) > left:
            break
        left -= len(data)
        content.append(ImageContent(type="image", data=base64.b64encode(data).decode("ascii"), mime_type=MIME))
    result = CallToolResult(content=content, structured_content=out.model_dump(mode="json"))
    while (size := len(result.model_dump_json(by_alias=True).encode())) > MAX_RESULT:
        last = next((place for place in range(len(content) - 1, 0, -1) if content[place].type == "image"), None)
        if last is None:
            raise ToolError(f"the result has {size} bytes, more than the {MAX_RESULT} a client takes; ask for less")
        del content[last]
    return result
