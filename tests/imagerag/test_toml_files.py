"""TOML of a folder that may be anybody's."""

import time
from pathlib import Path

import pytest

from imagerag.toml_files import MOST_PARTS, read_toml


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[a.b."c.d"]\nabout = """\n1.2.3.\n"""\n', encoding="utf-8")
    assert read_toml(tmp_path / "a.toml") == {"a": {"b": {"c.d": {"about": "1.2.3.\n"}}}}


@pytest.mark.parametrize("form", ["{key} = 1", "[{key}]", "a = {{ {key} = 1 }}", "[[ {key} ]]", "x.y = 1\n{key} = 2"])
@pytest.mark.parametrize("part", ["a.", "a . ", '"a".', "'a' ."])
def test_a_key_of_very_many_parts_is_refused_at_once(part: str, form: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(form.format(key=part * 100_000 + "b"), encoding="utf-8")
    began = time.process_time()
    with pytest.raises(ValueError, match=f"has more than {MOST_PARTS} parts"):
        read_toml(tmp_path / "a.toml")
    assert time.process_time() - began < 2


@pytest.mark.parametrize("piece", [". ", "a.. ", "a", "a. . ", '"', "'a", '"a".. ', "1.5, "])
def test_other_dots_are_read_in_no_time(piece: str, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("." * MOST_PARTS + piece * (400_000 // len(piece)), encoding="utf-8")
    began = time.process_time()
    with pytest.raises(ValueError, match="line 1"):
        read_toml(tmp_path / "a.toml")
    assert time.process_time() - began < 2
