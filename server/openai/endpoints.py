"""One table of endpoints, from which come the routes and the OpenAPI document."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Handler = Callable[[Request], Awaitable[Response]]
Method = Literal["GET", "POST", "DELETE"]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a query.

    Attributes:
        schema: JSON schema of its value.
    """

    name: str
    description: str
    schema: dict[str, object]


@dataclass(frozen=True)
class Endpoint:
    """What a client can ask.

    Attributes:
        method, path: as in a route of Starlette; ``{name}`` stands for a part of the path.
        handler: answers it; the first line of its docstring describes the endpoint.
        body: the JSON that is sent, if any is.
        form: the names of the fields in which files are sent, where a form can be sent.
        parameters: of the query.
        answer: media type of the answer.
        streams: whether the answer can be sent as events.
        open_to_all: whether it is answered without a token.
        status: of the answer; an endpoint that is refused has an error's.
    """

    method: Method
    path: str
    handler: Handler
    body: type[BaseModel] | None = None
    form: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    answer: str = "application/json"
    streams: bool = False
    open_to_all: bool = False
    status: int = 200


def routes_of(endpoints: list[Endpoint]) -> list[Route]:
    """Return the routes of Starlette, those of one path together, so that another method is told to be refused."""
    by_path: dict[str, dict[str, Handler]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint.handler
    return [Route(path, _chosen(handlers), methods=[*handlers]) for path, handlers in by_path.items()]


def _chosen(handlers: dict[str, Handler]) -> Handler:
    async def answer(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](request)

    return answer
