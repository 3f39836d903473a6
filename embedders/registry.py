"""The CLIP models of this process, by the name that ``--lookup-model`` takes."""

from functools import lru_cache

from imagerag.device_settings import DeviceSettings
from imagerag.embedders.clip import Embedder


@lru_cache(maxsize=1)
def embedded_clip() -> Embedder:
    """Return the one embedded CLIP of this process; loading it takes seconds.

    It stays on the CPU, where its embeddings are the same to the last bit on every machine: drawings depend on them.
    """
    from imagerag.embedders.clip import load_embedder

    return load_embedder("embedded")


def clip_model(name: str, device: DeviceSettings | None = None) -> Embedder:
    """Return the CLIP model of that name, loaded once per process; see ``imagerag.embedders.clip.full_name``.

    On a GPU it computes in half precision where that changes no rank, which is compared once per process.

    Args:
        name: of the model.
        device: where, and in which numbers; the best there is unless given. The embedded model stays on the CPU.

    Raises:
        UserError: it is not known, or can't be loaded.
    """
    if name == "embedded":
        return embedded_clip()
    from imagerag.devices import choose_device
    from imagerag.embedders.clip import full_name, model_id_of

    device = device or DeviceSettings()
    return _other_model(full_name(name), model_id_of(name), str(choose_device(device)), device.dtype)


@lru_cache(maxsize=2)
def _other_model(full_name: str, model_id: str, device: str, dtype: str) -> Embedder:
    """Return a model; a folder whose weights have changed since is another one, by its id."""
    from imagerag.embedders.clip import load_embedder
    from imagerag.embedders.half_precision import half_formats, halve_if_same

    return halve_if_same(load_embedder(full_name, device), half_formats(device, dtype))
