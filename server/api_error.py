"""What every HTTP API of the server answers where it refuses: the shape of OpenAI's errors."""

import logging
from typing import Any

from starlette.responses import JSONResponse

from imagerag.errors import FileError, ServiceError
from imagerag.places import without_folders

_log = logging.getLogger(__name__)

RETRY_AFTER = "30"
"""Seconds after which a client may ask again for what another process, or another server, has to be ready for first."""


class ApiError(Exception):
    """An answer in the shape of OpenAI's errors.

    Attributes:
        status: HTTP status; clients choose the exception by it.
        param: the request's field that is wrong, if one is.
        headers: of the answer.
    """

    def __init__(
        self, status: int, message: str, code: str, param: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.headers = headers

    def body(self) -> dict[str, Any]:
        """Return the JSON."""
        kinds = {401: "authentication_error", 429: "rate_limit_error"}
        kind = "server_error" if self.status >= 500 else kinds.get(self.status, "invalid_request_error")
        return {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """Return the answer."""
        return JSONResponse(self.body(), self.status, self.headers)


def refusal(
    error: Exception, code: str = "invalid_value", param: str | None = None, *, logged: bool = False
) -> ApiError:
    """Return the answer to a request that failed with an error meant for people.

    What is wrong on the server's side is an error of 5xx without the server's paths and addresses, which the log has.

    Args:
        error: what was raised.
        code, param: of the answer where the request itself is wrong.
        logged: whether the log has it already.
    """
    if isinstance(error, FileError | ServiceError) and not logged:
        _log.error("%s", error)
    if isinstance(error, FileError):
        if error.cause == "full":
            return ApiError(507, public_words(error), "storage_full")
        if error.cause == "locked":
            return ApiError(503, public_words(error), "storage_locked", headers={"Retry-After": RETRY_AFTER})
        return ApiError(500, public_words(error), "storage_failed")
    if isinstance(error, ServiceError):
        return ApiError(503, public_words(error), "service_unavailable", headers={"Retry-After": RETRY_AFTER})
    return ApiError(400, public_words(error), code, param)


def public_words(error: BaseException) -> str:
    """Return what a client may know of an error: nothing of where the server keeps its files."""
    return error.public if isinstance(error, FileError | ServiceError) else without_folders(str(error))
