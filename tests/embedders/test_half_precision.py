"""Half precision is kept only where it changes no rank."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from imagerag.embedders.clip import NoNumbers, OpenClipEmbedder, load_embedder
from imagerag.embedders.half_precision import half_formats, halve_if_same, rank_changes
from testing.tiny_clip import save_checkpoint

FORMATS = [torch.float16, torch.bfloat16]


@pytest.fixture
def tiny(tmp_path: Path) -> OpenClipEmbedder:
    embedder = load_embedder(f"open_clip:local-dir:{save_checkpoint(tmp_path / 'tiny', 1)}")
    assert isinstance(embedder, OpenClipEmbedder)
    return embedder


def scaled(embedder: OpenClipEmbedder, factor: float) -> OpenClipEmbedder:
    """Return the embedder with the projection of pictures multiplied, which changes no embedding in float32."""
    with torch.no_grad():
        embedder._model.visual.proj.mul_(factor)
    return embedder


@pytest.mark.parametrize("format", FORMATS)
def test_other_numbers_give_nearly_the_same_embeddings_as_float32(tiny: OpenClipEmbedder, format: torch.dtype) -> None:
    half = tiny.computing_in(format)
    full, rough = tiny.embed_texts(["an owl"]), half.embed_texts(["an owl"])
    assert rough.dtype == np.float32
    assert not np.array_equal(full, rough)
    assert float(full[0] @ rough[0]) > 0.99
    assert half.model_id == tiny.model_id


@pytest.mark.parametrize("format", FORMATS)
def test_rows_are_of_unit_length_all_the_same(tiny: OpenClipEmbedder, format: torch.dtype) -> None:
    from imagerag.assets.library import bundled_library

    half = tiny.computing_in(format)
    rows = [*half.embed_texts(["an owl", "a cat"]), *half.embed_images([bundled_library().image(0)])]
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-6)


class Precise(OpenClipEmbedder):
    """Computes in other formats with errors of a size that is given for each."""

    def computing_in(self, dtype: torch.dtype) -> OpenClipEmbedder:
        half = super().computing_in(dtype)
        assert isinstance(half, Precise)
        half._off = self.errors[dtype]
        half._dtype = None
        half.format = dtype
        return half

    def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        rows = super().embed_images(images)
        return rows + self._off * np.random.default_rng(0).standard_normal(rows.shape, np.float32)

    errors: ClassVar[dict[torch.dtype, float]] = {}
    format: torch.dtype | None = None
    _off = 0.0


def precise(tiny: OpenClipEmbedder, **errors: float) -> Precise:
    tiny.__class__ = Precise
    Precise.errors = {getattr(torch, name): error for name, error in errors.items()}
    assert isinstance(tiny, Precise)
    return tiny


def test_the_first_format_that_changes_no_rank_is_taken(
    tiny: OpenClipEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "imagerag.embedders.half_precision")
    half = halve_if_same(precise(tiny, float16=0.1, bfloat16=0.0), FORMATS)
    assert isinstance(half, Precise)
    assert half.format == torch.bfloat16
    refused, taken = (record.getMessage() for record in caplog.records)
    assert "does not compute in float16 on cpu" in refused
    assert "ranks change, of cosines up to" in refused
    assert "computes in bfloat16 on cpu: no rank changes, but 0 ties closer than" in taken


def test_a_model_of_which_half_precision_changes_a_rank_computes_in_full(tiny: OpenClipEmbedder) -> None:
    assert halve_if_same(tiny, FORMATS) is tiny, "ranks of cosines that are less apart than a format's step"
    assert halve_if_same(tiny, []) is tiny


def test_a_model_beyond_the_range_of_float16_does_not_compute_in_it(tiny: OpenClipEmbedder) -> None:
    far = scaled(tiny, 1e8)
    half = far.computing_in(torch.float16)
    with pytest.raises(NoNumbers, match=r"gives no numbers \(NaN\) in float16 on 'cpu'"):
        half.embed_images([Image.new("RGB", (8, 8), "red")])
    assert halve_if_same(far, FORMATS[:1]) is far


def test_every_rank_counts_and_ties_are_told_apart() -> None:
    full = np.array([[0.9, 0.2, 0.1], [0.3, 0.8, 0.2], [0.1, 0.3, 0.7]], np.float32)
    assert rank_changes(full, full + np.float32(0.01)) == (0, 0, 0)
    last = full.copy()
    last[0] = [0.9, 0.1, 0.2]  # the nearest stays, and the other two change places
    assert rank_changes(full, last) == (1, 0, pytest.approx(0.1))
    assert rank_changes(full, last, 0.15) == (0, 1, pytest.approx(0.1)), "as close as that is a tie"
    column = full.copy()
    column[:, 0] = [0.9, 0.05, 0.1]  # of the first picture, the second and the third name
    assert rank_changes(full, column).ranks >= 1
    assert rank_changes(full, np.full_like(full, np.nan)).ranks == full.size


def test_where_half_precision_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    assert half_formats("cpu") == half_formats("cpu", "float16") == []
    assert half_formats("mps") == FORMATS
    assert half_formats("mps", "float32") == []
    assert half_formats("mps", "bfloat16") == [torch.bfloat16]
    monkeypatch.setattr(torch.version, "hip", None)
    for capability, formats in (((9, 0), FORMATS), ((7, 5), FORMATS[:1]), ((6, 1), [])):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, told=capability: told)
        assert half_formats("cuda:1") == formats
    monkeypatch.setattr(torch.version, "hip", "6.4")
    assert half_formats("cuda") == FORMATS
