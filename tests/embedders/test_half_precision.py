"""Half precision is kept only where it leaves the nearest names and pictures as they are."""

from pathlib import Path

import numpy as np
import pytest
import torch

from imagerag.embedders.clip import OpenClipEmbedder, load_embedder
from imagerag.embedders.half_precision import halve_if_same
from testing.tiny_clip import save_checkpoint


@pytest.fixture
def tiny(tmp_path: Path) -> OpenClipEmbedder:
    embedder = load_embedder(f"open_clip:local-dir:{save_checkpoint(tmp_path / 'tiny', 1)}")
    assert isinstance(embedder, OpenClipEmbedder)
    return embedder


def test_other_numbers_give_nearly_the_same_embeddings_as_float32(tiny: OpenClipEmbedder) -> None:
    half = tiny.computing_in(torch.bfloat16)
    full, rough = tiny.embed_texts(["an owl"]), half.embed_texts(["an owl"])
    assert rough.dtype == np.float32
    assert not np.array_equal(full, rough)
    assert float(full[0] @ rough[0]) > 0.99
    assert half.model_id == tiny.model_id


@pytest.mark.parametrize(("spoilt", "kept"), [(False, True), (True, False)])
def test_what_changes_a_rank_is_not_kept(
    tiny: OpenClipEmbedder, spoilt: bool, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Half:
        def embed_texts(self, texts: list[str]) -> np.ndarray:
            return tiny.embed_texts(texts) * (-1 if spoilt else 1)

        embed_images = staticmethod(tiny.embed_images)

    half = Half()
    monkeypatch.setattr(tiny, "computing_in", lambda dtype: half)
    assert (halve_if_same(tiny) is half) == kept
