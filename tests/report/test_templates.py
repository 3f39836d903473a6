"""Templates of pages: escaped, and strict about what they are given."""

import pytest
from jinja2 import UndefinedError

from imagerag.report.templates import render


def test_texts_are_escaped_and_the_look_is_included() -> None:
    page = render("search.html.j2", words="<script>", found=[], pictures=[])
    assert "&lt;script&gt;" in page
    empty = render("batch.html.j2", name="<i>", rows=[], count=3, pictures={})
    assert "--page: #f6f6f3" in empty
    assert "&lt;i&gt;" in empty
    assert "3 are not drawn yet" in empty


def test_what_is_not_given_is_no_blank() -> None:
    with pytest.raises(UndefinedError):
        render("search.html.j2", words="owl")
