"""What an image search of somebody else's MCP server answered, as candidates: pictures themselves, or their addresses.

No standard says how a tool returns search results. Read are images (``ImageContent`` and embedded resources) with what
``_meta`` or the text beside them tells, links to images, records in structured content or in JSON as text by the names
that search services use, and images of Markdown. All of it is data of others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from imagerag.errors import UserError
from imagerag.index.web.answers import LONGEST_NAME, at, plain_text, web_address
from imagerag.index.web.candidates import Candidate, SourceFailed
from imagerag.licences import UNKNOWN, licence_link, normalised
from imagerag.tools.mcp_results import MAX_IMAGES, decoded_image, told_of

LONGEST_ADDRESS = 1000
MOST_TEXT = 2**20
"""Characters of one text that are read as JSON or Markdown."""
MOST_RECORDS = 200
DEEPEST = 4
"""Levels of an answer that a list of records is looked for in."""
FULL = (
    "img_src", "image_url", "imageUrl", "image.url", "image.src", "image", "original", "original_url", "properties.url",
    "urls.full", "urls.regular", "src.large", "src.original", "contentUrl", "content_url", "media_url", "full", "src",
    "url",
)  # fmt: skip
"""Where the address of a picture stands in a record: as SearXNG, SerpAPI, Brave, Unsplash, Pexels, Bing and Openverse
name it; the surest first."""
AMBIGUOUS = ("src", "url", "link")
"""Those that an answer may have for itself."""
SMALL = (
    "thumbnail.src", "thumbnail_src", "thumbnail_url", "thumbnailUrl", "thumbnail.url", "thumbnail", "thumb", "preview",
    "urls.small", "src.medium", "small",
)  # fmt: skip
PAGE = (
    "foreign_landing_url", "page_url", "pageUrl", "page", "source_url", "sourceUrl", "webpage_url", "hostPageUrl",
    "links.html", "html_url", "link", "url",
)  # fmt: skip
TITLE = ("title", "name", "caption", "alt", "alt_description", "description")
CREATOR = ("creator", "author", "artist", "photographer", "user.name", "creator.name", "author.name")
LICENCE = ("license", "licence", "license_code", "license.name", "rights")
LICENCE_LINK = ("license_url", "licence_url", "licenseUrl", "licence_link", "license.url")
_MARKDOWN = re.compile(r"!\[([^\]\n]{0,300})\]\((https?://[^)\s]{1,1000})\)")


def candidates_of(result: Any, source: str, name: str) -> list[Candidate]:
    """Return the pictures of a tool's result.

    Args:
        result: ``mcp.types.CallToolResult``.
        source: where each of them comes from.
        name: of the web source, for errors.

    Raises:
        SourceFailed: the tool failed.
    """
    blocks = list(result.content or ())
    texts = [str(block.text)[:MOST_TEXT] for block in blocks if block.type == "text"]
    if result.is_error:
        said = plain_text(" ".join(texts))
        raise SourceFailed(f"the web source {name!r} says: {said}", f"the web source {name!r} failed")
    found = list(_images(blocks, source))
    found += [one for block in blocks if (one := _linked(block, source)) is not None]
    if not found:
        answers = [answer for text in texts if (answer := json_of(text)) is not None]
        if result.structured_content is not None:
            answers.insert(0, result.structured_content)
        records = next((records for answer in answers if (records := records_of(answer))), ())
        found = [one for record in records if (one := _of_record(record, source)) is not None]
    if not found:
        found = [
            Candidate(source, address, address, plain_text(title), UNKNOWN)
            for text in texts
            for title, given in _MARKDOWN.findall(text)
            if (address := web_address(given, LONGEST_ADDRESS))
        ]
    return found


def _images(blocks: Sequence[Any], source: str) -> Iterator[Candidate]:
    """Yield the images among the blocks; what can't be decoded is none. The text before one says what it shows."""
    beside = ""
    count = 0
    for block in blocks:
        if block.type == "text":
            beside = "" if json_of(str(block.text)) is not None else plain_text(str(block.text))
            continue
        resource = getattr(block, "resource", None)
        kind = str(getattr(block, "mime_type", None) or getattr(resource, "mime_type", None) or "")
        data = getattr(block, "data", None) or getattr(resource, "blob", None)
        if data is None or not (block.type == "image" or kind.startswith("image/")):
            continue
        count += 1
        if count > MAX_IMAGES:
            return
        try:
            file = decoded_image(data)
        except UserError:
            continue
        told = told_of(getattr(block, "meta", None))
        yield Candidate(
            source=source,
            small="",
            full="",
            title=told.get("title") or beside,
            licence=told.get("licence", UNKNOWN),
            creator=told.get("creator", ""),
            licence_link=told.get("licence_link", "") or licence_link(told.get("licence", UNKNOWN)),
            link=told.get("link", ""),
            data=file,
        )


def _linked(block: Any, source: str) -> Candidate | None:
    """Return the picture that a block links to, if it is one of a picture."""
    if block.type != "resource_link" or not str(block.mime_type or "").startswith("image/"):
        return None
    address = web_address(str(block.uri), LONGEST_ADDRESS)
    if not address:
        return None
    told = told_of(getattr(block, "meta", None))
    title = told.get("title") or plain_text(block.title or block.description or block.name)
    licence = told.get("licence", UNKNOWN)
    terms = told.get("licence_link", "") or licence_link(licence)
    return Candidate(source, address, address, title, licence, told.get("creator", ""), terms, told.get("link", ""))


def json_of(text: str) -> Any:
    """Return the JSON object or list that a text is; ``None`` where it is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def records_of(answer: Any, paths: Sequence[str] = FULL, depth: int = 0) -> Sequence[Mapping[str, Any]]:
    """Return the first list of records in an answer that have an address at any of these paths.

    A single record is one where it has an address at a path that means nothing else.
    """
    if isinstance(answer, list):
        rows = [row for row in answer[:MOST_RECORDS] if isinstance(row, Mapping)]
        return rows if any(_first_address(row, paths) for row in rows) else ()
    if isinstance(answer, Mapping) and depth < DEEPEST:
        for value in answer.values():
            if found := records_of(value, paths, depth + 1):
                return found
        return (answer,) if _first_address(answer, [path for path in paths if path not in AMBIGUOUS]) else ()
    return ()


def _of_record(record: Mapping[str, Any], source: str) -> Candidate | None:
    full = _first_address(record, FULL)
    if not full:
        return None
    terms = _first_address(record, LICENCE_LINK)
    version = plain_text(record.get("license_version"))
    return Candidate(
        source=source,
        small=_first_address(record, SMALL) or full,
        full=full,
        title=_first_text(record, TITLE),
        licence=normalised(_first_text(record, LICENCE), version, terms),
        creator=_first_text(record, CREATOR)[:LONGEST_NAME],
        licence_link=terms,
        link=next(
            (one for path in PAGE if (one := web_address(at(record, path), LONGEST_ADDRESS)) not in ("", full)), ""
        ),
    )


def _first_address(record: Mapping[str, Any], paths: Sequence[str]) -> str:
    return next((one for path in paths if (one := web_address(at(record, path), LONGEST_ADDRESS))), "")


def _first_text(record: Mapping[str, Any], paths: Sequence[str]) -> str:
    return next((text for path in paths if (text := plain_text(at(record, path)))), "")
