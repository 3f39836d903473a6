"""Half precision is kept only where it leaves the nearest names and pictures as they are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from imagerag.embedders.clip import OpenClipEmbedder, load_embedder
from imagerag.embedders.half_precision import half_formats, halve_if_same, same_nearest
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


def test_the_more_precise_format_is_taken_where_it_changes_nothing(tiny: OpenClipEmbedder) -> None:
    texts = [f"a picture of {thing}" for thing in ("an owl", "a cat", "a lobster", "a bridge")]
    full = tiny.embed_texts(texts)
    off = [float(np.abs(tiny.computing_in(format).embed_texts(texts) - full).max()) for format in FORMATS]
    assert off[0] < off[1]
    half = halve_if_same(tiny, [torch.float16])
    assert isinstance(half, OpenClipEmbedder)
    assert half._dtype == torch.float16


def test_a_model_beyond_the_range_of_float16_computes_in_bfloat16(tiny: OpenClipEmbedder) -> None:
    far = scaled(tiny, 1e8)
    half = halve_if_same(far, FORMATS)
    assert isinstance(half, OpenClipEmbedder)
    assert half._dtype == torch.bfloat16


def test_a_model_of_which_half_precision_changes_a_rank_computes_in_full(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tiny = load_embedder(f"open_clip:local-dir:{save_checkpoint(tmp_path / 'second', 2)}")
    assert halve_if_same(tiny, FORMATS[:1]) is not tiny
    assert not caplog.records
    assert halve_if_same(tiny, FORMATS[1:]) is tiny
    (record,) = caplog.records
    assert "computes in float32 on cpu: in bfloat16 other pictures are nearest" in record.getMessage()


def test_what_changes_a_rank_is_not_kept() -> None:
    full = np.array([[0.9, 0.2, 0.1], [0.3, 0.8, 0.2], [0.1, 0.3, 0.7]], np.float32)
    assert same_nearest(full, full + np.float32(0.01))
    swapped = full.copy()
    swapped[2] = [0.1, 0.75, 0.7]
    assert not same_nearest(full, swapped), "the third name's nearest is another picture"
    assert not same_nearest(full, full.T[::-1].T)
    assert not same_nearest(full, np.full_like(full, np.nan))


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
