"""The embedded CLIP without open_clip: the same embeddings, and what is wrong with its files is told."""

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

from imagerag.assets import asset
from imagerag.assets.library import bundled_library
from imagerag.embedders import clip
from imagerag.embedders.clip import OpenClipEmbedder, load_embedder
from imagerag.errors import UserError

TEXTS = [
    "a lobster in a kimono",
    "x",
    "",
    "  A  Red &amp;amp; blue owl\n",
    "word " * 200,
    "naïve café 日本",
    "schÃ¶n",
    "[PAD] [MASK]",
]


@pytest.fixture(scope="module")
def by_open_clip() -> OpenClipEmbedder:
    """Return the model that open_clip makes of the same folder and the same text tower."""
    folder, spec = asset("clip"), find_spec(clip.TEXT_PACKAGE)
    assert spec is not None
    assert spec.origin is not None
    text_folder = Path(spec.origin).parent / "model"
    text_cfg = json.loads((folder / "open_clip_config.json").read_text(encoding="utf-8"))["model_cfg"]["text_cfg"]
    model, _, preprocess = open_clip.create_model_and_transforms(
        f"local-dir:{folder}",
        load_weights=False,
        pretrained_image_path=str(folder / "image_tower.safetensors"),
        text_cfg={**text_cfg, "hf_model_name": str(text_folder), "hf_model_pretrained": True},
    )
    return OpenClipEmbedder(model, preprocess, open_clip.get_tokenizer(f"local-dir:{folder}"), "open_clip")


@pytest.mark.slow
def test_texts_are_embedded_as_by_open_clip(by_open_clip: OpenClipEmbedder) -> None:
    together = load_embedder().embed_texts(TEXTS)
    # To the last bit: drawings are weighted by these, and those of earlier versions have to be drawn again.
    assert np.array_equal(together, by_open_clip.embed_texts(TEXTS))
    alone = np.concatenate([load_embedder().embed_texts([text]) for text in TEXTS[:3]])
    assert alone == pytest.approx(together[:3], abs=1e-5)


def test_images_are_embedded_as_by_open_clip(by_open_clip: OpenClipEmbedder) -> None:
    library, embedder = bundled_library(), load_embedder()
    images = [library.image(row).resize((90, 128)) for row in range(0, len(library), 600)]
    assert embedder.embed_images(images) == pytest.approx(by_open_clip.embed_images(images), abs=1e-5)
    assert isinstance(embedder, OpenClipEmbedder)
    assert embedder.logit_scale == pytest.approx(by_open_clip.logit_scale)


def test_names_embedded_beforehand_are_what_the_text_tower_says() -> None:
    embedder = load_embedder()
    stored = embedder.embed_texts(["owl", "lobster"])
    assert embedder.embed_texts(["owl ", "lobster "]) == pytest.approx(stored, abs=2e-3), "stored as 16-bit floats"


@pytest.mark.parametrize("fault", ["damaged", "don't fit its config"])
def test_faulty_weights_are_refused(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "clip"
    shutil.copytree(asset("clip"), folder)
    weights = folder / "image_tower.safetensors"
    if fault == "damaged":
        weights.write_bytes(weights.read_bytes()[:1000])
    else:
        save_file({**load_file(weights), "head.proj.weight": torch.zeros(8, 512)}, weights)
    monkeypatch.setattr(clip, "asset", lambda name: tmp_path / name)
    with pytest.raises(UserError, match=f"image_tower.safetensors' (is|are)? ?{fault}"):
        load_embedder()
