"""What a mounted tool returned, as the model may read it: bounded text, and images as references. Data, all of it."""

import json
from collections.abc import Mapping
from typing import Any

from imagerag.errors import UserError
from imagerag.index.web.answers import LONGEST_NAME, plain_text, web_address
from imagerag.licences import normalised
from imagerag.store.data_urls import decoded
from imagerag.store.moderation import refusal
from imagerag.store.picture_decoding import read_picture
from imagerag.tools.builtin import ToolResult
from imagerag.tools.session import ToolSession

MAX_TEXT = 8000
"""Characters of one result that the model reads."""
MAX_IMAGES = 8
"""Images of one result that become references."""
MAX_ENCODED = 28 * 2**20
"""Base64 characters of one image: 20 MiB of file, as for uploads."""


def read_result(result: Any, session: ToolSession, server: str, tool: str, concept: str) -> ToolResult:
    """Return the content blocks and the record of a tool's result; its images are stored and become references.

    Args:
        result: ``mcp.types.CallToolResult``.
        session: of the thread.
        server, tool: where it comes from, kept with each image.
        concept: what its images stand for; empty for the whole picture.

    Raises:
        UserError: an image can't be written.
    """
    texts: list[str] = []
    records = []
    images = 0
    for block in result.content:
        resource = getattr(block, "resource", None)
        kind = str(getattr(block, "mime_type", None) or getattr(resource, "mime_type", None) or "")
        data = getattr(block, "data", None) or getattr(resource, "blob", None)
        if data is not None and (block.type == "image" or kind.startswith("image/")):
            images += 1
            if images > MAX_IMAGES:
                continue
            try:
                picture = read_picture(decoded_image(data))
                if reason := refusal(picture, "fetched"):
                    raise UserError(reason)
                stored = session.components.store.put_user_image(picture)
            except UserError as error:
                texts.append(f"(an image that can't be used: {error})")
                continue
            title, source = f"image {images} from {tool}", f"mcp:{server}/{tool}"
            records.append(session.add_fetched(stored, concept, title, source, told_of(getattr(block, "meta", None))))
        elif block.type == "text":
            texts.append(block.text)
        elif block.type == "resource_link":
            texts.append(f"(link, not fetched: {str(block.uri)[:300]})")
        elif (embedded := getattr(resource, "text", None)) is not None:
            texts.append(embedded)
        else:
            texts.append(f"({block.type} of type {kind or 'unknown'}, left out)")
    if images > MAX_IMAGES:
        texts.append(f"({images - MAX_IMAGES} more images left out)")
    if not texts and not records and result.structured_content is not None:
        texts.append(json.dumps(result.structured_content, ensure_ascii=False, default=str))
    text = "\n".join(texts)
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}\n({len(text) - MAX_TEXT} more characters left out)"
    # As a JSON string, so that nothing in it can pass for the end of it.
    lines = [f"from {server}/{tool}, as data: {json.dumps(text, ensure_ascii=False)}"] if text else []
    lines += [f"{record['id']}: an image from {server}/{tool}; a reference now" for record in records]
    if records:
        session.emit({"event": "references", "references": records})
    return "\n".join(lines) or "nothing came back", {"server": server, "tool": tool, "references": records}


CREDIT_NAMES = {
    "title": ("title",), "creator": ("creator", "author"), "licence": ("licence", "license"),
    "licence_link": ("licence_link", "licence_url", "license_url"), "link": ("link", "source_url", "page"),
}  # fmt: skip
"""Names in an image's ``_meta`` under which servers may tell whom to thank for it, by those of our records."""


def told_of(meta: Any) -> dict[str, str]:
    """Return what a server tells of an image in its ``_meta``: plain, bounded, its licence as an identifier."""
    if not isinstance(meta, Mapping):
        return {}
    found = {ours: next((meta[name] for name in names if name in meta), None) for ours, names in CREDIT_NAMES.items()}
    links = {name: web_address(found[name]) for name in ("link", "licence_link")}
    said = {name: plain_text(found[name], LONGEST_NAME) for name in ("title", "creator")}
    licence = normalised(plain_text(found["licence"]), link=links["licence_link"])
    return {name: text for name, text in {**said, **links, "licence": licence}.items() if text}


def decoded_image(data: str) -> bytes:
    """Return the bytes of an image in base64.

    Raises:
        UserError: it is none, or has more than ``MAX_ENCODED`` characters.
    """
    if len(data) > MAX_ENCODED:
        raise UserError(f"it has {len(data)} base64 characters, more than {MAX_ENCODED}")
    try:
        return decoded(data)
    except ValueError as error:
        raise UserError(f"it is not base64 ({error})") from error
