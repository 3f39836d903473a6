"""What a mounted tool returned, as the model may read it: bounded text, and images as references. Data, all of it."""

import json
from typing import Any

from imagerag.errors import UserError
from imagerag.store.data_urls import decoded
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
                stored = session.components.store.put_user_image(_decoded(data))
            except UserError as error:
                texts.append(f"(an image that can't be used: {error})")
                continue
            records.append(session.add_fetched(stored, concept, f"image {images} from {tool}", f"mcp:{server}/{tool}"))
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


def _decoded(data: str) -> bytes:
    if len(data) > MAX_ENCODED:
        raise UserError(f"it has {len(data)} base64 characters, more than {MAX_ENCODED}")
    try:
        return decoded(data)
    except ValueError as error:
        raise UserError(f"it is not base64 ({error})") from error
