"""Every file that leaves a server says how it was made: signed, in each format and size, and small previews too."""

import base64
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from imagerag.provenance.inspection import Inspection, inspect_file
from imagerag.provenance.signing import open_signer
from imagerag.store import xmp
from imagerag.store.images import ImageStore
from testing.certificates import certified
from testing.mcp_clients import with_client
from testing.openai_requests import MODEL
from testing.servers import Served, scripted_service

TERM = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


@pytest.fixture
def signing_store(tmp_path: Path) -> ImageStore:
    files = certified(tmp_path / "certificate")
    return ImageStore(tmp_path, open_signer(str(files.certificate), str(files.key)))


def inspected(data: bytes, folder: Path) -> Inspection:
    (folder / "got").write_bytes(data)
    return inspect_file(folder / "got")


@pytest.mark.parametrize("size", ["auto", "48x32"])
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_file_in_any_format_and_size_is_signed_and_tells_its_references(
    kind: str, size: str, serve: Callable[..., Served], signing_store: ImageStore, tmp_path: Path
) -> None:
    client = serve(scores=[0.3, 0.9], store=signing_store).client()
    asked: dict[str, Any] = {"output_format": kind, "extra_body": {"seed": 9}}
    made = client.images.generate(model=MODEL, prompt="an owl", size=size, response_format="b64_json", **asked)
    found = inspected(base64.b64decode(made.data[0].b64_json), tmp_path)
    assert (found.format, found.verdict, found.pixels) == (kind, "intact", "unchanged")
    assert found.credentials is not None
    assert found.credentials.state == "valid"
    assert len(found.credentials.ingredients) == 2
    assert found.source_types == (TERM,)
    assert found.manifest is not None
    assert found.manifest.seed == 9
    assert len(found.manifest.references) == 2
    assert str(tmp_path) not in found.manifest.text()


def test_addresses_give_signed_files(serve: Callable[..., Served], signing_store: ImageStore, tmp_path: Path) -> None:
    made = serve(scores=[0.9], store=signing_store).client().images.generate(model=MODEL, prompt="an owl")
    address = made.data[0].url.removesuffix(".png")
    for end in (".png", ".jpg", ".webp", ".webp?size=32x32"):
        found = inspected(httpx.get(address + end).content, tmp_path)
        assert (found.verdict, found.source_types) == ("intact", (TERM,)), end
        assert found.replayable == (end == ".png")


def test_unsigned_files_are_marked_and_an_uploaded_picture_is_not(serve: Callable[..., Served], tmp_path: Path) -> None:
    server = serve(scores=[0.9])
    client = server.client()
    made = client.images.generate(model=MODEL, prompt="an owl", response_format="b64_json", output_format="webp")
    found = inspected(base64.b64decode(made.data[0].b64_json), tmp_path)
    assert (found.verdict, found.credentials, found.source_types) == ("intact", None, (TERM,))
    photo = io.BytesIO()
    Image.new("RGB", (40, 40), "green").save(photo, "PNG")
    kept = client.files.create(file=("me.png", photo.getvalue()), purpose="vision")
    sent = httpx.get(f"{server.url}/v1/files/{kept.id}/content", headers={"authorization": "Bearer someone"}).content
    assert inspected(sent, tmp_path).verdict == "without credentials"


def test_a_conversation_that_is_exported_has_signed_files(
    serve: Callable[..., Served], signing_store: ImageStore, tmp_path: Path
) -> None:
    server = serve(scores=[0.9], store=signing_store)
    own = {"thread": "sea"}
    server.client().images.generate(model=MODEL, prompt="an owl", extra_body={"imagerag": own})
    headers = {"authorization": "Bearer someone"}
    packed = httpx.get(f"{server.url}/web/threads/sea/export", headers=headers)
    assert packed.status_code == 200
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".png"))
        assert inspected(archive.read(name), tmp_path).verdict == "intact"


def test_mcp_gives_marked_previews_and_signed_files(signing_store: ImageStore, tmp_path: Path) -> None:
    pytest.importorskip("mcp")
    files: list[bytes] = []

    async def talk(client: Any) -> None:
        result = await client.call_tool("create_image", {"prompt": "an owl"})
        files.extend(base64.b64decode(block.data) for block in result.content if block.type == "image")
        address = result.structured_content["image"]["uri"]
        read = await client.read_resource(address)
        files.append(base64.b64decode(read.contents[0].blob))

    with_client(scripted_service(tmp_path, scores=[0.9], store=signing_store), talk)
    *previews, whole = files
    assert previews
    for preview in previews:
        with Image.open(io.BytesIO(preview)) as image:
            packet = xmp.read_packet(image.info["xmp"])
        assert packet is not None
        assert packet.source_type == TERM
    found = inspected(whole, tmp_path)
    assert (found.verdict, found.replayable) == ("intact", True)
