"""Each answer names its request."""

from collections.abc import Callable

import httpx
import pytest

from imagerag.server.request_ids import REQUEST_ID
from testing.servers import Served


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "kept"),
    [("trace-1:a/b", True), ("", False), ("a b", False), ("x" * 201, False)],
)
def test_a_clients_own_name_is_kept_where_it_is_one(serve: Callable[..., Served], given: str, kept: bool) -> None:
    url = serve().url
    for path in ("/v1/models", "/nothing", "/openapi.json"):
        answer = httpx.get(url + path, headers={REQUEST_ID: given})
        assert (answer.headers[REQUEST_ID] == given) == kept
        assert kept or answer.headers[REQUEST_ID].startswith("req_")


def test_refusals_of_the_guard_and_streams_are_named_too(serve: Callable[..., Served]) -> None:
    server = serve()
    refused = httpx.get(server.url + "/v1/models", headers={"origin": "http://elsewhere.test"})
    assert refused.status_code == 403
    assert refused.headers[REQUEST_ID].startswith("req_")
    client = server.client()
    made = client.images.generate(model="imagerag", prompt="an owl")
    assert str(made._request_id).startswith("req_")
    stream = client.chat.completions.create(
        model="imagerag", messages=[{"role": "user", "content": "an owl"}], stream=True
    )
    assert stream.response.headers[REQUEST_ID].startswith("req_")
    stream.close()
