"""What the MCP conformance suite wants to find on a server: its test tools, resources and prompts.

They are added to our own server, so that what carries them is what is tested.
"""

import asyncio
import base64
import io
import json
import wave
from typing import Any, Literal, get_args

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import (
    AudioContent,
    CallToolResult,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    JSONRPCMessage,
    LoggingLevel,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    Tool,
    UnsubscribeRequestParams,
)
from PIL import Image
from pydantic import BaseModel

from imagerag.server.mcp.server import Addition
from imagerag.server.mcp.tool_server import ToolServer

LEVELS = get_args(LoggingLevel)
"""From the least to the most."""
SCHEMA_2020_12 = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {"type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}},
    },
    "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}},
    "additionalProperties": False,
}


def conformance_fixtures() -> Addition:
    """Return the fixtures for one server."""
    return Addition(_add, {"event_store": MemoryEvents(), "retry_interval": 100})


class MemoryEvents(EventStore):
    """Keeps what a stream has sent, so that a client that was cut off reads on."""

    def __init__(self) -> None:
        self._events: list[tuple[str, JSONRPCMessage | None]] = []

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self._events.append((stream_id, message))
        return str(len(self._events))

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        seen = int(last_event_id)
        stream = self._events[seen - 1][0]
        for number, (of, message) in enumerate(self._events[seen:], seen + 1):
            if of == stream and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return stream


class Defaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


class Person(BaseModel):
    username: str
    email: str


def _picture() -> str:
    file = io.BytesIO()
    Image.new("RGB", (1, 1), "red").save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode("ascii")


def _sound() -> str:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16))
    return base64.b64encode(file.getvalue()).decode("ascii")


def _embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    return EmbeddedResource(resource=TextResourceContents(uri=uri, mime_type=mime_type, text=text))


def _add(server: ToolServer) -> None:
    _add_contents(server)
    _add_conversations(server)
    _add_resources(server)
    _add_prompts(server)
    _add_schema(server)


def _add_contents(server: ToolServer) -> None:
    @server.tool()
    def test_simple_text() -> str:
        """Return a text."""
        return "This is a simple text response for testing."

    @server.tool()
    def test_image_content() -> CallToolResult:
        """Return an image."""
        return CallToolResult(content=[ImageContent(data=_picture(), mime_type="image/png")])

    @server.tool()
    def test_audio_content() -> CallToolResult:
        """Return a sound."""
        return CallToolResult(content=[AudioContent(data=_sound(), mime_type="audio/wav")])

    @server.tool()
    def test_embedded_resource() -> CallToolResult:
        """Return a resource."""
        return CallToolResult(
            content=[_embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")]
        )

    @server.tool()
    def test_multiple_content_types() -> CallToolResult:
        """Return a text, an image and a resource."""
        resource = _embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}')
        image = ImageContent(data=_picture(), mime_type="image/png")
        return CallToolResult(content=[TextContent(text="Multiple content types test:"), image, resource])

    @server.tool()
    def test_error_handling() -> str:
        """Fail."""
        raise ToolError("This tool intentionally returns an error for testing")


def _add_conversations(server: ToolServer) -> None:
    level: list[LoggingLevel] = ["debug"]

    async def set_level(ctx: Any, params: SetLevelRequestParams) -> EmptyResult:
        level[0] = params.level
        return EmptyResult()

    _handle(server, "logging/setLevel", SetLevelRequestParams, set_level)

    @server.tool()
    async def test_tool_with_logging(ctx: Context[Any, Any]) -> str:
        """Log three lines."""
        for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            if LEVELS.index("info") >= LEVELS.index(level[0]):
                await ctx.log("info", line)
            await asyncio.sleep(0.05)
        return "logged"

    @server.tool()
    async def test_tool_with_progress(ctx: Context[Any, Any]) -> str:
        """Tell progress three times."""
        for done in (0, 50, 100):
            await ctx.report_progress(done, 100)
            await asyncio.sleep(0.05)
        return "done"

    @server.tool()
    async def test_sampling(prompt: str, ctx: Context[Any, Any]) -> str:
        """Ask the client's model."""
        asked = SamplingMessage(role="user", content=TextContent(text=prompt))
        said = await ctx.session.create_message(
            [asked], max_tokens=100, related_request_id=ctx.request_context.request_id
        )
        return f"LLM response: {getattr(said.content, 'text', '')}"

    @server.tool()
    async def test_elicitation(message: str, ctx: Context[Any, Any]) -> str:
        """Ask the person."""
        return f"User response: {await ctx.elicit(message, Person)}"

    @server.tool()
    async def test_elicitation_sep1034_defaults(ctx: Context[Any, Any]) -> str:
        """Ask the person by a form with defaults."""
        return f"Elicitation completed: {await ctx.elicit('Who are you?', Defaults)}"

    @server.tool()
    async def test_elicitation_sep1330_enums(ctx: Context[Any, Any]) -> str:
        """Ask the person by a form with choices of every kind."""
        options = ["option1", "option2", "option3"]
        titled = [{"const": f"value{number}", "title": f"Choice {number}"} for number in (1, 2, 3)]
        legacy = {"enum": ["opt1", "opt2", "opt3"], "enumNames": ["Option One", "Option Two", "Option Three"]}
        properties = {
            "untitledSingle": {"type": "string", "enum": options},
            "titledSingle": {"type": "string", "oneOf": titled},
            "legacyEnum": {"type": "string", **legacy},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled}},
        }
        schema = {"type": "object", "properties": properties}
        said = await ctx.session.elicit_form("Choose", schema, ctx.request_context.request_id)
        return f"Elicitation completed: action={said.action}, content={json.dumps(said.content)}"

    @server.tool()
    async def test_reconnection(ctx: Context[Any, Any]) -> str:
        """End the stream before the answer, which the client reads when it comes back."""
        await asyncio.sleep(0.2)  # or else the stream may end before its first event is sent
        await ctx.close_sse_stream()
        await asyncio.sleep(0.2)
        return "read after coming back"


def _add_resources(server: ToolServer) -> None:
    @server.resource("test://static-text", mime_type="text/plain")
    def static_text() -> str:
        """A text."""
        return "This is the content of the static text resource."

    @server.resource("test://static-binary", mime_type="image/png")
    def static_binary() -> bytes:
        """An image."""
        return base64.b64decode(_picture())

    @server.resource("test://watched-resource", mime_type="text/plain")
    def watched() -> str:
        """A text that can be subscribed to."""
        return "Watched."

    @server.resource("test://template/{id}/data", mime_type="application/json")
    def template(id: str) -> str:
        """A record."""
        return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})

    watchers: set[str] = set()

    async def subscribe(ctx: Any, params: SubscribeRequestParams) -> EmptyResult:
        watchers.add(str(params.uri))
        return EmptyResult()

    async def unsubscribe(ctx: Any, params: UnsubscribeRequestParams) -> EmptyResult:
        watchers.discard(str(params.uri))
        return EmptyResult()

    _handle(server, "resources/subscribe", SubscribeRequestParams, subscribe)
    _handle(server, "resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)


def _add_prompts(server: ToolServer) -> None:
    @server.prompt()
    def test_simple_prompt() -> str:
        """A prompt."""
        return "This is a simple prompt for testing."

    @server.prompt()
    def test_prompt_with_arguments(arg1: str, arg2: str) -> str:
        """A prompt with arguments."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @server.prompt()
    def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:
        """A prompt with a resource."""
        resource = _embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
        return [UserMessage(resource), UserMessage("Please process the embedded resource above.")]

    @server.prompt()
    def test_prompt_with_image() -> list[UserMessage]:
        """A prompt with an image."""
        image = ImageContent(data=_picture(), mime_type="image/png")
        return [UserMessage(image), UserMessage("Please analyze the image above.")]


def _add_schema(server: ToolServer) -> None:
    @server.tool()
    def json_schema_2020_12_tool(name: str = "", address: dict[str, str] | None = None) -> str:
        """Tool with JSON Schema 2020-12 features."""
        return name

    plain = server.list_tools

    async def list_tools() -> list[Tool]:
        return [
            tool.model_copy(update={"input_schema": SCHEMA_2020_12})
            if tool.name == json_schema_2020_12_tool.__name__
            else tool
            for tool in await plain()
        ]

    setattr(server, "list_tools", list_tools)  # noqa: B010 - the SDK makes schemas of signatures alone


def _handle(server: ToolServer, method: str, params: type[BaseModel], handler: Any) -> None:
    """Serve a method that the SDK's ergonomic server has no decorator for."""
    low = getattr(server, "_lowlevel_server")  # noqa: B009
    low.add_request_handler(method, params, handler)
