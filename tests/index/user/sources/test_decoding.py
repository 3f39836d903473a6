"""Odd and broken files: each is indexed right or in the report with its reason."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imagerag.embedders.registry import embedded_clip
from imagerag.index.user.sources.decoding import perceptual_hash
from imagerag.index.user.store import UserPictures
from testing.odd_files import write_corpus


@pytest.mark.slow
def test_each_odd_file_is_indexed_right_or_reported(tmp_path: Path) -> None:
    files = write_corpus(tmp_path / "odd")
    assert len(files) >= 60
    own = UserPictures(tmp_path / "home", embedded_clip())
    outcome = own.add([tmp_path / "odd"])
    reasons = {Path(entry["path"]).name: entry["reason"] for entry in outcome.skipped}
    assert set(reasons) == {odd.name for odd in files if not odd.taken}
    assert all(reasons.values())
    assert outcome.added == sum(odd.taken for odd in files)
    known = own.snapshot()
    rows = {Path(key).name: at for key, at in known.by_key.items()}
    assert set(rows) == {odd.name for odd in files if odd.taken}
    for odd in files:
        if odd.first is not None:
            image = own.image(known.value(rows[odd.name], "sha256")).convert("RGB")
            seen = np.asarray(image)[0, min(2, image.width - 1)].astype(int)
            assert np.abs(seen - odd.first).max() < 60, (odd.name, seen)
    noted = {Path(entry["path"]).name for entry in outcome.notes}
    assert {"animated.gif", "animated.webp", "animated.png", "animated.tiff"} <= noted
    vectors = known.vectors(range(len(known)))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)
    assert own.add([tmp_path / "odd"]).unchanged == len(rows)


def test_the_perceptual_hash_survives_scaling_and_tells_other_pictures_apart() -> None:
    picture = Image.radial_gradient("L").convert("RGB")
    ImageDraw.Draw(picture).rectangle([20, 20, 120, 60], "red")
    look = perceptual_hash(picture)
    assert (look ^ perceptual_hash(picture.resize((100, 100)))).bit_count() <= 3
    assert (look ^ perceptual_hash(picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT))).bit_count() > 3
    assert perceptual_hash(Image.new("RGB", (50, 50), "blue")) == 0, "a flat picture has none"
