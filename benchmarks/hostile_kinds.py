"""The worst inputs that a client, a file or another server can send, one of each kind, and what shows that it arrived.

Each kind tells with which answers it has reached what it aims at: an attack that is turned away at the door, for want
of a session or a right field, measures nothing.
"""

import contextlib
import gzip
import io
import json
import os
import re
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from PIL import Image

from testing.mixed_load import Client, Refused, Wrong

SMILE = "\U0001f642"
PATIENCE = 5.0
"""Seconds for which a connection is tried before the attacker begins another."""
PIECE = 2**18
"""Bytes of a body that are sent at once."""
TOKEN, OTHER = "the-token-of-the-attacker", "the-token-of-the-other"
GUESSED_AT = "tokens"
"""File of the tokens of a server that has some."""


class GivenUp(Exception):
    """The measurement is over: large bodies are taken in so slowly that their end would come minutes later."""


@dataclass
class Attacker:
    """One connection of the client who attacks.

    Attributes:
        url: of the server.
        image: id of an image there, whose address the attacker knows.
        place: folder for its files.
        mcp: headers of its session over MCP.
        uploaded: pictures that it has sent for the list of its files.
        over: set when what is being sent need not be sent to its end.
    """

    url: str
    image: str
    place: Path
    http: httpx.Client = field(init=False)
    mcp: dict[str, str] = field(default_factory=dict)
    uploaded: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Open the connection."""
        self.http = httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {TOKEN}"}, timeout=120)

    def post(self, path: str, **sent: Any) -> int:
        """Send something, and return the status of the answer.

        Raises:
            GivenUp: ``over`` was set before all of it was sent.
        """
        request = self.http.build_request("POST", path, **sent)
        whole = memoryview(request.read())

        def pieces() -> Iterator[bytes]:
            for start in range(0, len(whole), PIECE):
                if self.over.is_set():
                    raise GivenUp
                yield bytes(whole[start : start + PIECE])

        return self.http.post(path, content=pieces(), headers=request.headers).status_code

    def chat(self, content: object, role: str = "assistant") -> int:
        """Send a conversation whose last message asks for nothing."""
        said = [{"role": role, "content": content}, {"role": "user", "content": ""}]
        return self.post("/v1/chat/completions", json={"model": "imagerag", "messages": said})


Send = Callable[[Attacker], int | str]


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Attributes:
        send: sends it once, and returns what came back: a status of HTTP, or what a tool or a command has said.
        reaches: of those, the ones that show that the input got to where it is dangerous.
        arguments: of the server.
    """

    send: Send
    reaches: frozenset[int | str]
    arguments: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.send.__name__

    @property
    def about(self) -> str:
        """What it is, in a sentence."""
        return (self.send.__doc__ or "").strip().splitlines()[0]


KINDS: list[Kind] = []
"""All that are sent to a server."""


def _kind(*reaches: int | str, arguments: tuple[str, ...] = ()) -> Callable[[Send], Send]:
    def add(send: Send) -> Send:
        KINDS.append(Kind(send, frozenset(reaches), arguments))
        return send

    return add


@_kind(400)
def addresses(attacker: Attacker) -> int | str:
    """A long message of half addresses."""
    return attacker.chat("http://a" * 15_000)


@_kind(400)
def brackets(attacker: Attacker) -> int | str:
    """A long message of half images in Markdown."""
    return attacker.chat("![" * 200_000)


@_kind(400)
def large_body(attacker: Attacker) -> int | str:
    """A body of 64 MiB."""
    return attacker.post("/v1/chat/completions", content=b" " * 2**26)


def _wide(text: str) -> bytes:
    """Return a conversation of 62 MiB, the most that may be sent."""
    filled = ("a" * (62 * 2**20)).encode()
    return b'{"model": "imagerag", "messages": [{"role": "user", "content": "%s%s"}]}' % (text.encode(), filled)


@_kind(400, 413)
def wide_characters(attacker: Attacker) -> int | str:
    """A text of 62 MiB with one character beyond 16 bits, which takes four bytes for each of its characters."""
    return attacker.post("/v1/chat/completions", content=_wide(SMILE))


@_kind(400, 413)
def escaped_characters(attacker: Attacker) -> int | str:
    """The same with that character escaped."""
    return attacker.post("/v1/responses", content=_wide(json.dumps(SMILE)[1:-1]).replace(b"messages", b"input"))


@_kind(400, 413)
def many_wide_texts(attacker: Attacker) -> int | str:
    """A message of 30 texts of 2 MiB, each with such a character."""
    part = {"type": "text", "text": SMILE + "a" * 2**21}
    body = {"model": "imagerag", "messages": [{"role": "user", "content": [part] * 30}]}
    return attacker.post("/v1/chat/completions", content=json.dumps(body, ensure_ascii=False).encode())


@_kind(400, 413)
def wide_fields(attacker: Attacker) -> int | str:
    """A form of 60 fields of a MiB of characters beyond 16 bits."""
    fields = {f"f{number}": SMILE * (2**18 - 1) for number in range(60)}
    return attacker.post("/v1/images/edits", data={"prompt": "x", **fields}, files={"image": ("a.png", b"x")})


@_kind(400)
def deep_json(attacker: Attacker) -> int | str:
    """JSON of 400,000 levels."""
    return attacker.post("/v1/responses", content=b"[" * 400_000)


@_kind(400, 413)
def many_values(attacker: Attacker) -> int | str:
    """JSON of half a million values."""
    return attacker.post("/v1/chat/completions", content=b"[" + b"0," * 499_000 + b"0]")


def bomb_png(side: int = 8900, depth: int = 16) -> bytes:
    """Return a PNG of 79 megapixels of 16 bits, all black, in some hundred kB."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    row = b"\0" * (1 + side * depth // 8 * 3)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, depth, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def _bomb(attacker: Attacker) -> bytes:
    file = attacker.place / "bomb.png"
    if not file.exists():
        beside = attacker.place / f"{threading.get_ident()}"
        beside.write_bytes(bomb_png())
        beside.replace(file)
    return file.read_bytes()


@_kind(200, 429)
def large_picture(attacker: Attacker) -> int | str:
    """A PNG of 79 megapixels and 16 bits."""
    return attacker.post("/v1/files", files={"file": ("a.png", _bomb(attacker))}, data={"purpose": "vision"})


@_kind(200)
def file_list(attacker: Attacker) -> int | str:
    """A list of 10,000 files, of which 40 are there; each is opened for its length."""
    for number in range(40 - attacker.uploaded):
        file = io.BytesIO()
        Image.effect_noise((900, 900), number).save(file, "PNG")
        attacker.post("/v1/files", files={"file": ("a.png", file.getvalue())}, data={"purpose": "vision"})
        attacker.uploaded += 1
    return attacker.http.get("/v1/files?limit=10000").status_code


@_kind(400)
def many_parts(attacker: Attacker) -> int | str:
    """A form of 20,000 fields."""
    body = io.BytesIO()
    for number in range(20_000):
        body.write(b'--x\r\ncontent-disposition: form-data; name="f%d"\r\n\r\n1\r\n' % number)
    body.write(b"--x--\r\n")
    return attacker.post(
        "/v1/images/edits", content=body.getvalue(), headers={"content-type": "multipart/form-data; boundary=x"}
    )


@_kind(200, 429)
def scaled_images(attacker: Attacker) -> int | str:
    """An image scaled to 4096x4096, which needs no token."""
    return httpx.get(f"{attacker.url}/images/{attacker.image}.png?size=4096x4096", timeout=120).status_code


@_kind(401, 429, arguments=("--token-file", GUESSED_AT))
def guesses(attacker: Attacker) -> int | str:
    """Logins by guessed tokens."""
    return attacker.post("/login", data={"token": os.urandom(12).hex()})


@_kind(408, "open")
def half_sent(attacker: Attacker) -> int | str:
    """A request of which half is sent, and which is left open."""
    where = urlsplit(attacker.url)
    line = socket.create_connection((where.hostname or "", where.port or 80))
    line.sendall(b"POST /v1/files HTTP/1.1\r\nHost: %b\r\nContent-Length: 99999\r\n\r\nx" % where.netloc.encode())
    _OPEN.append(line)
    if len(_OPEN) > 200:
        with contextlib.suppress(IndexError):
            _OPEN.pop(0).close()
    return "open"


_OPEN: list[socket.socket] = []


def _raw(attacker: Attacker, *pieces: bytes) -> int | str:
    """Send bytes over a connection of their own, as they are.

    Returns:
        The status of the first answer; 0 if the connection was closed without one; "slowed" if the server has not taken
        them in within ``PATIENCE`` seconds.
    """
    where = urlsplit(attacker.url)
    with socket.create_connection((where.hostname or "", where.port or 80), timeout=PATIENCE) as line:
        try:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # closed when it has had enough
                for piece in pieces:
                    line.sendall(piece)
            answer = line.recv(100)
        except TimeoutError:
            return "slowed"
    return int(answer.split()[1]) if answer else 0


def _head(attacker: Attacker, line: bytes, *fields: bytes) -> bytes:
    named = (b"Host: %b" % urlsplit(attacker.url).netloc.encode(), b"Authorization: Bearer %b" % TOKEN.encode())
    return b"\r\n".join((line, *named, *fields, b"", b""))


def _chunked(attacker: Attacker) -> bytes:
    line, kind = b"POST /v1/chat/completions HTTP/1.1", b"Content-Type: application/json"
    return _head(attacker, line, kind, b"Transfer-Encoding: chunked")


@_kind(400, "slowed")
def small_chunks(attacker: Attacker) -> int | str:
    """A body in 400,000 chunks of one byte."""
    return _raw(attacker, _chunked(attacker), b"1\r\n[\r\n" * 400_000, b"0\r\n\r\n")


@_kind(400, "slowed")
def chunk_extensions(attacker: Attacker) -> int | str:
    """A body of one byte whose chunk has 15 MB of extensions."""
    return _raw(attacker, _chunked(attacker), b"1" + b";a=b" * 3_750_000, b"\r\n[\r\n0\r\n\r\n")


@_kind(400, "slowed")
def trailing_fields(attacker: Attacker) -> int | str:
    """A body of one byte with 15 MB of trailing fields."""
    return _raw(attacker, _chunked(attacker), b"1\r\n[\r\n0\r\n", b"a: b\r\n" * 2_500_000, b"\r\n")


@_kind(200)
def many_cookies(attacker: Attacker) -> int | str:
    """A head with 60 kB of cookies and a line of 4 kB of fields."""
    line = b"GET /?%b HTTP/1.1" % (b"a&" * 2000)
    return _raw(attacker, _head(attacker, line, b"Cookie: " + b"a=b; " * 11_000))


@_kind(431)
def endless_head(attacker: Attacker) -> int | str:
    """A head of 15 MB."""
    return _raw(attacker, _head(attacker, b"GET / HTTP/1.1", b"X: " + b"x" * 15_000_000))


@_kind(200, "slowed")
def pipelined(attacker: Attacker) -> int | str:
    """5,000 requests sent at once over one connection, whose answers are not read."""
    return _raw(attacker, _head(attacker, b"GET /v1/models HTTP/1.1") * 5000)


@_kind("broken off")
def broken_off(attacker: Attacker) -> int | str:
    """Half of a body, after which the connection is closed."""
    where = urlsplit(attacker.url)
    with socket.create_connection((where.hostname or "", where.port or 80), timeout=60) as line:
        kind, length = b"Content-Type: application/json", b"Content-Length: 200000"
        line.sendall(_head(attacker, b"POST /v1/chat/completions HTTP/1.1", kind, length) + b"[" + b"0," * 50_000)
    return "broken off"


@_kind(200)
def cheap_requests(attacker: Attacker) -> int | str:
    """Ordinary requests, a hundred of them without a pause over one connection."""
    return min(attacker.http.get("/v1/models").status_code for _ in range(100))


@_kind("open")
def idle_connections(attacker: Attacker) -> int | str:
    """Connections over which nothing is sent, a thousand of each attacker's at a time."""
    where = urlsplit(attacker.url)
    _OPEN.append(socket.create_connection((where.hostname or "", where.port or 80), timeout=60))
    while len(_OPEN) > 1000:
        with contextlib.suppress(IndexError):
            _OPEN.pop(0).close()
    return "open"


@_kind("answered", "refused by their number", "busy")
def many_concepts(attacker: Attacker) -> int | str:
    """A look at an image for 30,000 concepts, over MCP."""
    client = Client(attacker.url, TOKEN)
    try:
        attacker.mcp = attacker.mcp or client.open_session()
        arguments = {"image_id": "image-1", "concepts": [f"thing {k}" for k in range(30_000)], "thread": "attacked"}
        call = {"jsonrpc": "2.0", "id": 9, "method": "tools/call"}
        call |= {"params": {"name": "inspect_image", "arguments": arguments}}
        told = client.ask("POST", "/mcp", json=call, headers=attacker.mcp).text
    except (Refused, Wrong) as error:
        return str(error)[:60] or "busy"
    finally:
        client.close()
    if "busy:" in told:
        return "busy"
    if re.search(r"concepts has 30000 entries; at most \d+ are taken", told):
        return "refused by their number"
    return told[-200:] if '"isError":true' in told else "answered"


@_kind("given up", 200, 429)
def many_requests(attacker: Attacker) -> int | str:
    """Drawings under a name that is new each time."""
    key = {"authorization": f"Bearer {os.urandom(8).hex()}"}
    body = {"model": "imagerag", "prompt": "an owl"}
    try:
        return httpx.post(f"{attacker.url}/v1/images/generations", json=body, headers=key, timeout=0.3).status_code
    except httpx.TimeoutException:
        return "given up"


@dataclass(frozen=True)
class FileKind:
    """One kind of input that comes by a file, or from a server that is asked, to a command.

    Attributes:
        prepare: makes it, for as long as the block runs; yields the arguments of the command that meets it, and of the
            same command that meets an ordinary one.
        says: what the command says when it has met it.
    """

    prepare: Callable[[Path], contextlib.AbstractContextManager[tuple[list[str], list[str]]]]
    says: str

    @property
    def name(self) -> str:
        """Its name."""
        return self.prepare.__name__

    @property
    def about(self) -> str:
        """What it is, in a sentence."""
        return (self.prepare.__doc__ or "").strip().splitlines()[0]


@contextlib.contextmanager
def parquet_bomb(place: Path) -> Iterator[tuple[list[str], list[str]]]:
    """A Parquet table of some kB whose pictures unpack to 4 GiB."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name, size in (("bomb", 2**32), ("plain", 2**10)):
        each = min(size, 2**28)
        rows = pa.array([b"\0" * each] * (size // each), pa.large_binary())
        pq.write_table(
            pa.table({"image": rows, "text": ["x"] * len(rows)}), place / f"{name}.parquet", compression="zstd"
        )
        del rows
    add = ["index", "add"]
    yield [*add, f"hf-parquet:{place}/bomb.parquet"], [*add, f"hf-parquet:{place}/plain.parquet"]


LIGHT = ("--max-generations", "1", "--critic", "clip", "--lookup-model", "embedded", "--library", "bundled")
"""What goes with a generator of photographs where no photographic CLIP model is at hand."""


@contextlib.contextmanager
def packed_twice(place: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The answer of an image server, packed in gzip twice: some kB that unpack to a GiB."""
    once = gzip.compress(b"\0" * 2**28, 9) * 4
    with _answering("gzip, gzip", gzip.compress(once, 9)) as bad, _answering("", b"no JSON") as plain:
        yield (
            ["an owl", "--generator", f"openai:m@{bad}/v1", *LIGHT],
            ["an owl", "--generator", f"openai:m@{plain}/v1", *LIGHT],
        )


@contextlib.contextmanager
def packed_once(place: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The answer of an image server, packed in gzip: a MiB that unpacks to a GiB."""
    with _answering("gzip", gzip.compress(b"\0" * 2**28, 9) * 4) as bad, _answering("", b"no JSON") as plain:
        yield (
            ["an owl", "--generator", f"openai:m@{bad}/v1", *LIGHT],
            ["an owl", "--generator", f"openai:m@{plain}/v1", *LIGHT],
        )


@contextlib.contextmanager
def _answering(encoding: str, body: bytes) -> Iterator[str]:
    """Answer every request so; yields the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(200)
            self.send_header("content-type", "application/json")
            if encoding:
                self.send_header("content-encoding", encoding)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        do_GET = do_POST

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


FILE_KINDS: tuple[FileKind, ...] = (
    FileKind(parquet_bomb, "unpack to"),
    FileKind(packed_twice, "packed"),
    FileKind(packed_once, "more than"),
)
"""All that meet a command."""
