"""Which generators there are, by the name that ``--generator`` takes: one table, heavy imports inside the factories."""

from collections.abc import Callable
from functools import lru_cache

from imagerag.engines.clip import Embedder
from imagerag.engines.generator import Generator
from imagerag.errors import UserError


@lru_cache(maxsize=1)
def embedded_clip() -> Embedder:
    """Return the one embedded CLIP of this process; loading it takes seconds."""
    from imagerag.engines.clip import load_embedder

    return load_embedder("embedded")


def _patchwork() -> Generator:
    from imagerag.engines.patchwork import PatchworkGenerator
    from imagerag.index.library import Library

    return PatchworkGenerator(Library(), embedded_clip())


GENERATORS: dict[str, Callable[[], Generator]] = {"patchwork": _patchwork}


@lru_cache(maxsize=4)
def load_generator(name: str) -> Generator:
    """Return the generator of that name, loaded once per process.

    Raises:
        UserError: no such generator; the message lists those there are.
    """
    if name not in GENERATORS:
        raise UserError(f"generator {name!r} is not known; give --generator one of: {', '.join(GENERATORS)}")
    return GENERATORS[name]()
