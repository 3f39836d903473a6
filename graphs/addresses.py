"""What clients on other machines get in place of paths: addresses on the server that runs the graph."""

from collections.abc import Mapping
from typing import Any

from langchain_core.messages import BaseMessage

PLACE = "/imagerag/images/"
"""Where a LangGraph server has the images; see ``imagerag.server.langgraph_images``."""


def image_address(sha256: str) -> str:
    """Return the address of an image or reference, without the server's own."""
    return f"{PLACE}{sha256}.png"


def with_addresses(value: Any) -> Any:
    """Return a value with every record in it, however deep, having an address instead of a path.

    Args:
        value: of records, dictionaries, lists and messages.
    """
    if isinstance(value, BaseMessage):
        update: dict[str, Any] = {}
        if value.additional_kwargs:
            update["additional_kwargs"] = with_addresses(value.additional_kwargs)
        if getattr(value, "artifact", None) is not None:
            update["artifact"] = with_addresses(value.artifact)  # type: ignore[attr-defined]
        return value.model_copy(update=update) if update else value
    if isinstance(value, Mapping):
        told = {key: with_addresses(each) for key, each in value.items()}
        if isinstance(told.get("sha256"), str):
            told["url"] = image_address(told["sha256"])
            if "path" in told:
                told["path"] = ""
        return told
    if isinstance(value, list | tuple):
        return [with_addresses(each) for each in value]
    return value
