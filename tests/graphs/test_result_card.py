"""A result in a notebook: everything escaped, pictures within it and small."""

import re
from pathlib import Path

from PIL import Image

from imagerag.graphs.result import Result
from imagerag.graphs.result_card import MOST_REFERENCES, card
from imagerag.graphs.state import Output


def test_a_picture_is_shown_in_a_notebook(output: Output, tmp_path: Path) -> None:
    Image.effect_noise((1600, 1200), 90).save(tmp_path / "second.png")
    page = Result(output, notes=["<i>told</i>"])._repr_html_()
    assert page.count("<img ") == 2
    assert page.count('src="data:image/png;base64,') == 2
    assert len(page) < 700_000, "a small copy, whatever the image's size"
    assert "&lt;script&gt;" in page
    assert "&lt;i&gt;told&lt;/i&gt;" in page
    markup = re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)  # which may have any letters
    assert not [word for word in ("<script", "<i>", "http") if word in markup]
    for told in ("satisfied, score 0.90", "stopped because the critic is satisfied", "owl", "Noto Emoji", "Apache-2.0"):
        assert told in page
    for path in tmp_path.glob("*.png"):
        path.unlink()
    assert "picture not at hand" in Result(output)._repr_html_()
    empty = Result({**output, "image": None, "verdict": None, "images": [], "references": [], "stop_reason": "seconds"})
    assert "No image was made: the time budget ran out" in empty._repr_html_()


def test_an_answer_in_words_is_shown(output: Output) -> None:
    said = Result({**output, "answer": "Glad to. <b>", "images": [], "stop_reason": "answered"})
    assert said.answer == "Glad to. <b>"
    page = said._repr_html_()
    assert "Glad to. &lt;b&gt;" in page
    assert "The picture as it stands" in page
    assert "0 drawn" not in page
    assert Result(output).answer is None


def test_many_references_are_cut_and_counted(output: Output) -> None:
    many = [{**output["references"][0], "id": f"ref-{number}"} for number in range(MOST_REFERENCES + 3)]
    page = card(Result({**output, "references": many}))
    assert page.count("Noto Emoji") == MOST_REFERENCES
    assert "and 3 more" in page
