"""Files beside pictures."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.index.user.sources.beside import Beside, Described, ending_of, told_by
from imagerag.index.user.sources.confinement import Confined


def told(**files: bytes) -> dict[str, str]:
    def file(ending: str, data: bytes) -> Described:
        return Described(f"x.{ending}", len(data), lambda: data)

    return told_by({ending: file(ending, data) for ending, data in files.items()})


def test_the_text_goes_before_the_json_and_takes_tags_behind_it() -> None:
    assert told(json=b'{"caption": "x", "license": "CC0-1.0"}', txt=b"a cat") == {
        "caption": "a cat",
        "licence": "CC0-1.0",
    }
    assert told(caption=b"a cat", txt=b"fur") == {"caption": "a cat, fur"}
    assert told(caption=b"a cat", txt=b"a cat") == {"caption": "a cat"}
    assert told(caption=b" \n", txt=b"fur") == {"caption": "fur"}


@pytest.mark.parametrize(
    ("ending", "data", "says"),
    [
        ("txt", b"one\ntwo\n", "1 more line;"),
        ("txt", bytes(40), "is no text"),
        ("json", b"7", "no object"),
        ("json", b"", "is empty"),
        ("json", b" \r\n", "is empty"),
        ("json", b"\xef\xbb\xbf", "is empty"),
        ("json", b'{"caption": "' + b"x" * 2**20 + b'"}', "1 MB"),
    ],
)
def test_what_is_left_out_is_noted(ending: str, data: bytes, says: str) -> None:
    note = told(**{ending: data})["note"]
    assert says in note
    assert f"x.{ending}" in note


def test_broken_json_is_an_error_as_its_licence_would_be_lost() -> None:
    with pytest.raises(UserError, match="correct or remove it"):
        told(json=b'{"license": ')


def test_the_nearest_name_counts_in_any_case_of_its_ending(tmp_path: Path) -> None:
    for name, text in {
        "x.jpg.TXT": "near",
        "x.txt": "far",
        "X.txt": "of another",
        "x.jpg": "",
        "y.Caption": "why",
    }.items():
        (tmp_path / name).write_text(text)
    beside = Beside(Confined(tmp_path))
    assert beside.of(str(tmp_path / "x.jpg")) == {"caption": "near"}
    assert beside.of(str(tmp_path / "x.png")) == {"caption": "far"}
    assert beside.of(str(tmp_path / "y.png")) == {"caption": "why"}
    assert beside.of(str(tmp_path / "z.png")) == {}
    assert beside.of(str(tmp_path / "gone" / "z.png")) == {}
    assert beside.named(str(tmp_path), "x", frozenset({"jpg"})) == str(tmp_path / "x.jpg")
    assert beside.named(str(tmp_path), "x", frozenset({"png"})) is None
    assert (ending_of("a/x.jpg.TXT"), ending_of("x")) == ("txt", "")
