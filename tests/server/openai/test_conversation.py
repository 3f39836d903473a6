"""What a conversation asks for, whatever its protocol."""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from imagerag.server.api_error import ApiError
from imagerag.server.openai.conversation import Base, ConversationBase, Picture, Said
from imagerag.server.openai.schemas import RunOptions
from imagerag.server.run import RunRequest
from imagerag.server.service import Service
from testing.openai_requests import data_url, square
from testing.servers import scripted_service

PICTURE = Picture(url=data_url(square())["image_url"]["url"])


class Door(ConversationBase):
    def asked(self, said: Sequence[Said], **more: Any) -> RunRequest:
        scope = {"type": "http", "headers": [(b"host", b"127.0.0.1")], "path": "/", "server": ("127.0.0.1", 80)}
        request = Request({**scope, "scheme": "http", "query_string": b"", "method": "POST"})
        options = {"field": "messages", "own": RunOptions()} | more
        return asyncio.run(self._run_request(request, "me", said, **options))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    service = scripted_service(tmp_path)
    yield service
    service.close()


def test_the_last_request_is_drawn_and_earlier_ones_are_told(service: Service) -> None:
    said = [Said("system", "be kind"), Said("user", "an owl"), Said("assistant", "?"), Said("user", "make it red")]
    asked = Door(service).asked(said)
    assert (asked.prompt, asked.earlier, asked.thread) == ("make it red", ("an owl",), "")


def test_a_state_that_a_message_left_is_gone_on_from(service: Service) -> None:
    said = [Said("user", "an owl"), Said("assistant", "", base=Base("sea", "c1")), Said("user", "make it red")]
    asked = Door(service).asked(said)
    assert (asked.thread, asked.checkpoint, asked.earlier) == ("sea", "c1", ())
    named = Door(service).asked(said, base=Base("lake", "c2"))
    assert (named.thread, named.checkpoint) == ("lake", "c2")
    own = Door(service).asked(said, own=RunOptions(thread="pond"))
    assert (own.thread, own.checkpoint) == ("pond", None)


def test_a_seed_out_of_range_is_noted(service: Service) -> None:
    asked = Door(service).asked([Said("user", "an owl")], seed=2**32 + 1)
    assert asked.seed == 1
    assert len(asked.notes) == 1


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ([], "no message of role 'user'"),
        ([Said("user", "")], "is empty"),
        ([Said("user", "x" * 4001)], "shorten it"),
        ([Said("user", "x", (PICTURE,) * 17)], "17 images are more than 16"),
        ([Said("user", "x", (Picture(file_id="file-0"),))], "not a file of yours"),
        ([Said("user", "x", (Picture(url="data:,x"),))], "no image"),
    ],
)
def test_what_can_not_be_drawn_is_refused_before_it_is_queued(service: Service, said: list[Said], says: str) -> None:
    with pytest.raises(ApiError, match=says):
        Door(service).asked(said)
