"""Addresses that can't be asked end a command in one line, whatever they are the address of."""

from collections.abc import Callable

import pytest

from imagerag.chat_models.providers import connect
from imagerag.errors import UserError
from imagerag.generators.registry import load_generator
from imagerag.index.chroma_client import http_client
from imagerag.net.addresses import address_parts
from imagerag.net.server_keys import variable_of
from imagerag.server.app import listen
from imagerag.tools.mcp_tools import open_connection

NONE = ["http://[", "http://host:port", "http://host:99999", "http://[::g]/v1", "http://a\x00b/"]
NAMED: dict[str, Callable[[str], object]] = {
    "an images API": lambda address: load_generator(f"openai:m@{address}"),
    "Gemini": lambda address: load_generator(f"google_genai:m@{address}"),
    "ComfyUI": lambda address: load_generator(f"comfyui:{address}"),
    "a chat model": lambda address: connect(f"openai:m@{address}"),
    "a Chroma server": http_client,
    "an MCP server": open_connection,
    "this server": lambda address: listen("127.0.0.1", 0, (), address).close(),
    "a variable": lambda address: variable_of("KEY", address),
}


@pytest.mark.parametrize("address", NONE)
@pytest.mark.parametrize("what", NAMED)
def test_an_address_that_is_none_is_one_line(what: str, address: str) -> None:
    with pytest.raises(UserError) as refused:
        NAMED[what](address)
    assert "\n" not in str(refused.value)


def test_the_parts_of_an_address() -> None:
    parts = address_parts("https://draw.example.org:9000/v1")
    assert (parts.scheme, parts.hostname, parts.port, parts.path) == ("https", "draw.example.org", 9000, "/v1")
    assert address_parts("http://[::1]").hostname == "::1"
    assert address_parts("folder/file.json").scheme == ""
