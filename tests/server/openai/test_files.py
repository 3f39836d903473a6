"""Files with the official client."""

from collections.abc import Callable
from typing import Any

import httpx
import openai
import pytest

from testing.openai_requests import MODEL, square
from testing.servers import Served


def test_files_are_listed_page_by_page_in_either_order(serve: Callable[..., Served]) -> None:
    client = serve().client()
    sent = [client.files.create(file=(f"{number}.png", square()), purpose="vision").id for number in range(5)]
    assert [one.id for one in client.files.list()] == sent[::-1]
    assert [one.id for one in client.files.list(limit=2)] == sent[::-1]
    assert [one.id for one in client.files.list(limit=2, order="asc")] == sent
    page = client.files.list(limit=2, order="asc", after=sent[1])
    assert ([one.id for one in page.data], page.has_more) == (sent[2:4], True)
    assert client.files.list(limit=1, order="asc", after=sent[3]).has_more is False


def test_purposes_tell_uploads_from_what_was_made(serve: Callable[..., Served]) -> None:
    client = serve().client()
    sent = client.files.create(file=("me.png", square()), purpose="user_data")
    client.images.generate(model=MODEL, prompt="an owl")
    assert [one.id for one in client.files.list(purpose="vision")] == [sent.id]
    assert [one.purpose for one in client.files.list(purpose="assistants_output")] == ["assistants_output"]
    assert len(list(client.files.list())) == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 10_001}, "limit"),
        ({"order": "up"}, "order"),
        ({"purpose": "fine-tune"}, "purpose"),
    ],
)
def test_lists_that_can_not_be_had_are_refused_by_name(
    serve: Callable[..., Served], query: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as told:
        serve().client().files.list(**query)
    assert told.value.param == param


def test_a_list_can_not_begin_after_the_file_of_another(serve: Callable[..., Served]) -> None:
    server = serve()
    other = server.client("somebody-else").files.create(file=("a.png", square()), purpose="vision")
    with pytest.raises(openai.NotFoundError, match="not a file of yours"):
        server.client().files.list(after=other.id)


def test_what_an_upload_asks_for_in_vain_is_told(serve: Callable[..., Served]) -> None:
    client = serve().client()
    with pytest.raises(openai.BadRequestError, match="'batch' is of no use here"):
        client.files.create(file=("a.png", square()), purpose="batch")
    told = client.files.with_raw_response.create(
        file=("a.png", square()), purpose="vision", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert told.headers["x-imagerag-not-heeded"] == "expires_after"
    listed = client.files.with_raw_response.list(extra_query={"colour": "red"}, limit=500)
    assert listed.headers["x-imagerag-not-heeded"] == "colour, limit above 100"


def test_a_file_is_read_and_deleted(serve: Callable[..., Served]) -> None:
    client = serve().client()
    made = client.files.create(file=("a.png", square()), purpose="vision")
    assert client.files.retrieve(made.id) == made
    assert client.files.content(made.id).read().startswith(b"\x89PNG")
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("query", "named"),
    [("?status=done", "status"), ("?status=", "status"), ("?page&limit=5", "page"), ("?limit=&after=&order=", None)],
)
def test_a_query_of_the_list_is_served_or_named(serve: Callable[..., Served], query: str, named: str | None) -> None:
    got = httpx.get(f"{serve().url}/v1/files{query}", headers={"authorization": "Bearer someone"})
    assert got.status_code == 200
    assert got.headers.get("x-imagerag-not-heeded") == named
