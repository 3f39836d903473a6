"""The CLIP models of this process, by the name that ``--lookup-model`` takes."""

from functools import lru_cache

from imagerag.embedders.clip import Embedder


@lru_cache(maxsize=1)
def embedded_clip() -> Embedder:
    """Return the one embedded CLIP of this process; loading it takes seconds."""
    from imagerag.embedders.clip import load_embedder

    return load_embedder("embedded")


def clip_model(name: str) -> Embedder:
    """Return the CLIP model of that name; see ``imagerag.embedders.clip.full_name``. The embedded one is loaded once.

    Raises:
        UserError: it is not known, or can't be loaded.
    """
    if name == "embedded":
        return embedded_clip()
    from imagerag.embedders.clip import full_name, load_embedder

    return load_embedder(full_name(name))
