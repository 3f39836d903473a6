"""What reads and embeds, by the name that ``imagerag index add --engine`` takes."""

from imagerag.embedders.clip import Embedder
from imagerag.errors import UserError
from imagerag.index.user.embedding import EmbeddingEngine, ThreadEngine


def open_engine(name: str, embedder: Embedder) -> EmbeddingEngine:
    """Return the engine of a name: ``threads``, ``ray``, or ``ray:ADDRESS`` for a cluster.

    Raises:
        UserError: there is none of that name, or Ray is not installed.
    """
    kind, _, address = name.partition(":")
    if kind == "ray":
        from imagerag.index.user.ray_engine import RayEngine

        return RayEngine(embedder, address)
    if name != "threads":
        raise UserError(f"engine {name!r} is unknown; give threads, ray, or ray:ADDRESS of a cluster")
    return ThreadEngine(embedder)
