"""What is told of a key that a table can't have; the files of people are read in the tests of profiles and presets."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from imagerag.chat_models.pricing import read_prices
from imagerag.errors import UserError
from imagerag.generators.diffusion.presets import PRESETS, load_presets
from imagerag.settings import load_settings
from imagerag.table_faults import meant


def test_the_nearest_name_or_all_of_them() -> None:
    assert meant("max_step", ["max_steps", "seed"]) == "did you mean 'max_steps'?"
    assert meant("zzz", ["max_steps", "seed"]) == "valid: max_steps, seed"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[p]\nlike = "sdxl"\nguidanse = 3', "'guidanse' is no key (did you mean 'guidance'?)"),
        ('[p]\nlike = "sdxl"\nrecipe = "mine"', "'recipe' is no key (valid: like, model, "),
        (
            '[p]\nlike = "sdxl"\n[p.adapter]\nmodel = "a/b"\nfile = "x"\nencoder = "c/d"\nencodr_subfolder = "e"',
            "'encodr_subfolder' of adapter is no key (did you mean 'encoder_subfolder'?)",
        ),
    ],
)
def test_of_a_preset(text: str, told: str, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as raised:
        load_presets({PRESETS: str(tmp_path / "p.toml")})
    assert f"preset 'p' in {str(tmp_path / 'p.toml')!r}: {told}" in str(raised.value)


def test_of_a_price(tmp_path: Path) -> None:
    file = tmp_path / "prices.toml"
    file.write_text('["a:b"]\ninput = 1\noutput = 2\nimgae = 3\n', encoding="utf-8")
    with pytest.raises(UserError, match=r"'imgae' of a:b is no key \(did you mean 'image'\?\)"):
        read_prices(str(file))


def test_of_a_settings_file(tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("max_stepz = 3\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"unknown name 'max_stepz'; did you mean 'max_steps'\?"):
        load_settings(file=file)


@pytest.mark.parametrize("name", ["max_steps", "profile", "library", "size", "lora", "y" * 300_000])
def test_a_huge_value_of_a_settings_file_is_told_by_its_beginning(name: str, tmp_path: Path) -> None:
    file = tmp_path / "s.toml"
    file.write_text(f'"{name}" = [{"[[{ a = 1 }]], " * 20_000}]\n', encoding="utf-8")
    with pytest.raises(UserError) if name not in ("library", "lora") else nullcontext() as raised:
        load_settings(file=file)
    assert raised is None or len(str(raised.value)) < 2500
