"""Images for the clients of a LangGraph server, which serves this app beside the graph (``http.app``)."""

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from imagerag.errors import InvalidArgument, UserError
from imagerag.graphs.addresses import PLACE
from imagerag.index.user_libraries import found_file
from imagerag.provenance.signing import open_signer
from imagerag.settings import load_settings
from imagerag.store.exports import drawing_file
from imagerag.store.files import read_whole
from imagerag.store.home import home_directory
from imagerag.store.images import ImageStore
from imagerag.store.png import encode_png

CACHED = {"cache-control": "private, max-age=31536000, immutable"}
"""An address names pixels, which never change."""


async def image(request: Request) -> Response:
    """Answer with an image, or a reference that was found, as PNG."""
    try:
        data = await asyncio.to_thread(_png, request.path_params["sha256"])
    except (InvalidArgument, UserError) as error:
        return JSONResponse({"error": str(error)}, 404)
    return Response(data, media_type="image/png", headers=CACHED)


def _png(sha256: str) -> bytes:
    settings = load_settings()
    home = home_directory(settings.home)
    store = ImageStore(home, open_signer(settings.c2pa_cert, settings.c2pa_key))
    if sha256 in store:
        picture = store.open(sha256)
        try:
            manifest = store.manifest(sha256).without_places()
        except UserError:  # a person's own picture has no manifest
            return encode_png(picture)
        return drawing_file(picture, manifest, store.signer)
    found = found_file(home, sha256)
    if found is None:
        raise InvalidArgument(f"no image or reference of this server has the address {sha256[:80]!r}")
    return read_whole(found)


app = Starlette(routes=[Route(PLACE + "{sha256}.png", image)])
"""With one route; a LangGraph server adds it to its own."""
