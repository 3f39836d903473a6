"""Other people's texts and addresses, made plain and bounded."""

import pytest

from imagerag.index.web.answers import MOST_ROWS, MOST_TAGS, _Text, at, plain_text, rows_at, web_address
from imagerag.index.web.candidates import SourceFailed


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ('<a href="//x.org" title="y">Jane Roe</a>', "Jane Roe"),
        ('<b>Jane</b> &amp; <i>Joe</i><span style="display: none;">creator QS:P170</span>', "Jane & Joe"),
        ("<div class='vcard'><p>Jane<br>Roe</p></div>, 1999", "Jane Roe, 1999"),
        ("<script>alert(1)</script>Jane", "Jane"),
        ("Jane\x1b[31m\u202eRoe\n\tJunior", "Jane [31m Roe Junior"),
        ("می\u200cرو \u200e", "می\u200cرو"),
        ("a < b", "a < b"),
        ("<span style='display:none'>all<img src=x>hidden", ""),
        ("&lt;script&gt;", "<script>"),
        (7, "7"),
        (None, ""),
        (True, ""),
        (["x"], ""),
        ({"value": "x"}, ""),
        ("x" * 500, "x" * 199 + "…"),
    ],
)
def test_texts(given: object, plain: str) -> None:
    assert plain_text(given) == plain


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("https://x.org/a.png", "https://x.org/a.png"),
        ("//x.org/a.png", "https://x.org/a.png"),
        ("http://user:password@x.org/", ""),
        ("javascript:alert(1)", ""),
        ("file:///etc/passwd", ""),
        ("data:image/png;base64,AAAA", ""),
        ("https://x.org/a b", ""),
        ('https://x.org/"><script>', ""),
        ("https://x.org:port/", ""),
        ("https://[", ""),
        ("https://x.org/" + "a" * 600, ""),
        ("", ""),
        (None, ""),
        (7, ""),
    ],
)
def test_addresses(given: object, address: str) -> None:
    assert web_address(given) == address


def test_paths_into_an_answer() -> None:
    answer = {"a": {"b": [{"c": 1}]}, "rows": [{"x": 1}, 7, None]}
    assert at(answer, "a.b.0.c") == 1
    assert at(answer, "a.b.1.c") is None
    assert at(answer, "a.x.y") is None
    assert at(answer, "") == answer
    assert rows_at(answer, "rows", "s") == [{"x": 1}]
    with pytest.raises(SourceFailed, match="'s' answers with no list at 'a'"):
        rows_at(answer, "a", "s")
    with pytest.raises(SourceFailed, match="'s' answers with no list;"):
        rows_at(answer, "", "s")


def test_of_an_answer_only_so_many_rows_are_read() -> None:
    assert len(rows_at([{"x": 1}] * 100_000, "", "any")) == MOST_ROWS


@pytest.mark.parametrize("unit", ["<a ", "<a b='", "<!--", "</", "<p style='display:none'>", "&#", "<"])
def test_a_text_of_many_tags_left_open_is_read_to_a_bound(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of Python's parser grows with the square of their number, while nobody else is answered."""
    fed: list[str] = []
    monkeypatch.setattr(_Text, "feed", lambda self, text: fed.append(text))
    plain_text(unit * 100_000, 300)
    assert all(len(text) <= 15_000 and text.count("<") <= MOST_TAGS for text in fed)


def test_what_stands_before_the_bound_is_read() -> None:
    assert plain_text("<b>Jane</b> Roe" + "<a " * 100_000).startswith("Jane Roe")
    assert plain_text("<i>x</i>" * 40) == "x " * 39 + "x"
