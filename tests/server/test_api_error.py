"""Errors in the shape of OpenAI's."""

import errno
import json
import os
from pathlib import Path

import pytest

from imagerag.errors import ServiceError, UserError
from imagerag.server.api_error import ApiError, refusal
from imagerag.store.file_errors import file_error


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


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [
        (errno.ENOSPC, 507, "storage_full"),
        (errno.EAGAIN, 503, "storage_locked"),
        (errno.EROFS, 500, "storage_failed"),
        (errno.EIO, 500, "storage_failed"),
    ],
)
def test_a_fault_of_the_servers_files_is_no_fault_of_the_request(
    number: int, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    fault = file_error(Path("/srv/secret/threads.sqlite"), OSError(number, os.strerror(number)))
    answer = refusal(fault)
    assert (answer.status, answer.code) == (status, code)
    assert "threads.sqlite" in str(answer)
    assert "secret" not in str(answer)
    assert "/srv/secret/threads.sqlite" in caplog.text


def test_another_server_that_fails_is_told_without_its_address(caplog: pytest.LogCaptureFixture) -> None:
    answer = refusal(ServiceError("'http://10.0.0.7' does not answer", "the Chroma server does not answer"))
    assert (answer.status, str(answer)) == (503, "the Chroma server does not answer")
    assert "10.0.0.7" in caplog.text


def test_what_is_wrong_with_the_request_stays_400() -> None:
    assert (refusal(UserError("n 0")).status, str(refusal(UserError("n 0")))) == (400, "n 0")
