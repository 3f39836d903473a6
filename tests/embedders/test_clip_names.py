"""Names of CLIP models are checked without open_clip."""

import subprocess
import sys
from pathlib import Path

import pytest

from imagerag.embedders.clip_names import check_clip_name
from imagerag.errors import UserError


@pytest.mark.parametrize(
    "name", ["embedded", "ViT-B-32:openai", "hf-hub:some/model", "open_clip:ViT-B-32/openai", "ViT-B-16-SigLIP2:webli"]
)
def test_what_there_is(name: str) -> None:
    check_clip_name(name)


def test_a_folder_and_a_checkpoint_of_one_s_own(tmp_path: Path) -> None:
    (tmp_path / "mine.pt").write_bytes(b"x")
    check_clip_name(str(tmp_path))
    check_clip_name(f"ViT-B-32:{tmp_path / 'mine.pt'}")


def test_the_nearest_names_are_told() -> None:
    with pytest.raises(UserError, match=r"give --lookup-model one of: ViT-B-32:laion2b_s34b_b79k"):
        check_clip_name("ViT-B-32:laion2b_s34b_b79")
    with pytest.raises(UserError, match=r"no architecture 'ViT-B-33'\); .* with one of its models: ViT-B-"):
        check_clip_name("ViT-B-33:openai")
    with pytest.raises(UserError, match=r"critic 'clip:ViT-B-32:x' .* give --critic one of: clip:ViT-B-32:openai"):
        check_clip_name("ViT-B-32:x", "critic 'clip:ViT-B-32:x'", "--critic", "clip:")


def test_open_clip_is_not_imported_for_it() -> None:
    code = "import sys; from imagerag.embedders.clip_names import check_clip_name as c; c('ViT-B-32:openai'); "
    done = subprocess.run(
        [sys.executable, "-c", code + "assert not {'open_clip', 'torch'} & {*sys.modules}"], timeout=60
    )
    assert done.returncode == 0
