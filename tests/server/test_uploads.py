"""Files sent by clients."""

import io
from collections.abc import Callable

import openai
import pytest
from PIL import Image

from testing.openai_requests import MODEL, data_url, square, user
from testing.servers import Served


def test_pictures_of_ones_own_are_drawn_with(serve: Callable[..., Served]) -> None:
    server = serve(scores=[0.9])
    client = server.client()
    upload = client.files.create(file=("me.png", square()), purpose="vision")
    for part in (data_url(square("blue")), {"type": "file", "file": {"file_id": upload.id}}):
        client.chat.completions.create(model=MODEL, messages=[user("an owl like this", part)])
        request = server.service.components.generator.requests[-1]
        assert [reference.kind for reference in request.references] == ["subject"]
        assert request.references[0].image.size == (40, 30)


def test_files_can_be_sent_listed_read_and_deleted(serve: Callable[..., Served]) -> None:
    client = serve().client()
    sent = client.files.create(file=("../../me.png", square()), purpose="vision")
    assert (sent.filename, sent.purpose) == ("me.png", "vision")
    made = client.images.generate(model=MODEL, prompt="an owl")
    listed = {file.id: file for file in client.files.list()}
    assert len(listed) == 2
    assert made.data[0].url.rpartition("/")[2].removesuffix(".png") in {name.removeprefix("file-") for name in listed}
    assert Image.open(io.BytesIO(client.files.content(sent.id).read())).size == (40, 30)
    assert client.files.delete(sent.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(sent.id)
