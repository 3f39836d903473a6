"""What every HTTP API of the server answers where it refuses: the shape of OpenAI's errors."""

from typing import Any

from starlette.responses import JSONResponse


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
