"""Addresses that servers answer with: their own are asked for at the configured one, all others are public ones."""

import httpx
import pytest

from imagerag.errors import UserError
from imagerag.generators.remote.calling import TransientError
from imagerag.generators.remote.image_addresses import fetched_image, own_addresses
from testing.remote_servers import Answer, a_png, images_server

INTERNAL = "http://images.internal:8080/v1"
LAN, LOCAL, CLOUD = "http://gpu.lan:8080/v1", "http://127.0.0.1:8080/v1", "https://images.example.org/proxy/v1"


@pytest.mark.parametrize(
    ("base", "address", "own"),
    [
        (LAN, "/files/a.png", ["http://gpu.lan:8080/files/a.png"]),
        (
            LAN,
            "files/a.png",
            [
                "http://gpu.lan:8080/v1/images/files/a.png",
                "http://gpu.lan:8080/v1/files/a.png",
                "http://gpu.lan:8080/files/a.png",
            ],
        ),
        (LAN, "//gpu.lan:8080/a.png?x=1", ["http://gpu.lan:8080/a.png?x=1"]),
        (LAN, "http://gpu.lan:8080/a.png", ["http://gpu.lan:8080/a.png"]),
        (LAN, "http://localhost:8080/a.png", ["http://gpu.lan:8080/a.png"]),
        (LAN, "http://localhost:9999/a.png?x=1", ["http://gpu.lan:8080/a.png?x=1"]),
        (LAN, "http://127.0.0.1/a.png", ["http://gpu.lan:8080/a.png"]),
        (LAN, "http://0.0.0.0:8080/a.png", ["http://gpu.lan:8080/a.png"]),
        (LAN, "http://[::1]:8080/a.png", ["http://gpu.lan:8080/a.png"]),
        (LAN, "http://172.17.0.2:8080/a.png", ["http://gpu.lan:8080/a.png"]),
        (LAN, "http://c0ffee:8080/a.png", ["http://gpu.lan:8080/a.png"]),
        (LAN, "http://drawer.local:8080/a.png?x=1", ["http://gpu.lan:8080/a.png?x=1"]),
        (LAN, "http://host.docker.internal:8080/a.png", ["http://gpu.lan:8080/a.png"]),
        (LAN, "http://GPU.LAN.:8080/a.png", ["http://gpu.lan:8080/a.png"]),
        (INTERNAL, "http://gpu-7.lan:8080/a.png", ["http://images.internal:8080/a.png"]),
        (LOCAL, "http://host.docker.internal:8080/a.png", ["http://127.0.0.1:8080/a.png"]),
        ("http://gpu:8080/v1", "http://gpu.local:8080/a.png", ["http://gpu:8080/a.png"]),
        ("http://192.168.1.7:8080/v1", "http://gpu.local:8080/a.png", ["http://192.168.1.7:8080/a.png"]),
        (LAN, "http://drawer.local:22/a.png", []),
        (LAN, "http://metadata.google.internal/computeMetadata", []),
        (LAN, "http://gpu.lan.example.org:8080/a.png", []),
        (LAN, "http://notlan:8080@x.example.lan.org:8080/a.png", []),
        (CLOUD, "https://metadata.google.internal/computeMetadata", []),
        (CLOUD, "https://printer.local/a.png", []),
        (LAN, "http://172.17.0.2:22/a.png", []),
        (LAN, "http://169.254.169.254/latest", []),
        (LAN, "http://other.example.org:8080/a.png", []),
        (LAN, "//other.example.org/a.png", []),
        (LAN, "http://gpu.lan:8080@other.example.org/a.png", []),
        (LOCAL, "http://localhost:8080/a.png", ["http://127.0.0.1:8080/a.png"]),
        (LOCAL, "http://localhost:9999/a.png", []),
        (LOCAL, "http://127.0.0.1:9999/a.png", []),
        (LOCAL, "http://127.0.0.1.example.org:8080/a.png", []),
        (CLOUD, "/a.png", ["https://images.example.org/a.png", "https://images.example.org/proxy/a.png"]),
        (CLOUD, "http://images.example.org/a.png", ["https://images.example.org/a.png"]),
        (CLOUD, "http://localhost:7860/a.png", ["https://images.example.org/a.png"]),
        (CLOUD, "https://cdn.example.org/a.png", []),
        (CLOUD, "https://images.example.org.evil.test/a.png", []),
    ],
)
def test_a_servers_own_addresses(base: str, address: str, own: list[str]) -> None:
    found = own_addresses(address, base, base + "/images/generations")
    assert [str(url) for url in found] == own
    assert {httpx.URL(base).host} >= {url.host for url in found}


GONE = Answer(b'{"detail": "no such file"}', 404)


@pytest.mark.parametrize(
    "address", ["{0}/a.png", "http://localhost:{1}/a.png", "/a.png", "a.png", "//127.0.0.1:{1}/a.png", "/to"]
)
def test_they_are_fetched_at_the_server(address: str) -> None:
    moved = Answer(b"", 302, {"location": "a.png"})
    with images_server() as server:
        server.files = lambda path: Answer(a_png("blue")) if path == "/a.png" else moved if path == "/to" else GONE
        root = server.url.removesuffix("/v1")
        image = fetched_image(address.format(root, root.rpartition(":")[2]), server.url, 5)
        assert image.getpixel((3, 3)) == (0, 0, 255)
        assert server.paths[-1] == "/a.png"


@pytest.mark.parametrize("answer", [GONE, Answer(b"", 503), Answer(b"half a picture")])
def test_what_may_be_there_later(answer: Answer) -> None:
    with images_server() as server:
        server.files = lambda path: answer
        with pytest.raises(TransientError, match=r"no such file|503|without a whole image"):
            fetched_image("/a.png", server.url, 5)


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "ftp://example.org/a.png", "http://", "gopher:x", "http://a:b/c"]
)
def test_what_is_no_address(address: str) -> None:
    with images_server() as server, pytest.raises(UserError, match="is no address"):
        fetched_image(address, server.url, 5)


def test_a_redirect_from_the_server_leads_nowhere_inside() -> None:
    with images_server() as secret, images_server() as server:
        server.files = lambda path: Answer(b"", 302, {"location": secret.url})
        with pytest.raises(UserError, match="not a public address"):
            fetched_image("/a.png", server.url, 5)
        server.files = lambda path: Answer(b"", 302, {"location": path})
        with pytest.raises(UserError, match=r"answered 302.*and so did 3 addresses before"):
            fetched_image("/a.png", server.url, 5)
        assert secret.paths == []
        assert len(server.paths) == 5


def test_a_name_of_a_private_network_is_never_asked_itself() -> None:
    with images_server() as server:
        server.files = lambda path: GONE
        port = server.url.removesuffix("/v1").rpartition(":")[2]
        with pytest.raises(TransientError, match="no such file"):
            fetched_image(f"http://metadata.google.internal:{port}/a.png", server.url, 5)
        assert server.paths == ["/a.png"]
