"""Errors in the shape of OpenAI's."""

import json

import pytest

from imagerag.server.api_error import ApiError


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, "invalid_request_error"), (401, "authentication_error"), (429, "rate_limit_error"), (503, "server_error")],
)
def test_clients_choose_the_exception_by_status_and_type(status: int, kind: str) -> None:
    answer = ApiError(status, "no such size", "bad_size", "size", {"Retry-After": "3"}).response()
    assert (answer.status_code, answer.headers["retry-after"]) == (status, "3")
    assert json.loads(bytes(answer.body)) == {
        "error": {"message": "no such size", "type": kind, "param": "size", "code": "bad_size"}
    }
