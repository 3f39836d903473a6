"""The HTML page of a run: self-contained, and everything on it escaped."""

from html.parser import HTMLParser
from pathlib import Path

from imagerag.graphs.state import Output
from imagerag.records import QuoteRecord
from imagerag.report.html import render_page
from imagerag.report.json_document import document_of
from testing.outcomes import ABOUT


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


class TestPage:
    def test_self_contained_and_escaped(self, output: Output) -> None:
        page = render_page(document_of(output, ABOUT))
        outline = _Outline()
        outline.feed(page)
        tags = [tag for tag, _ in outline.tags]
        assert not {"script", "link", "iframe", "i", "friends"} & set(tags)
        assert tags.count("h1") == 1
        assert page.startswith("<!DOCTYPE html>")
        for tag, attributes in outline.tags:
            if tag == "img":
                assert attributes["alt"]
                assert str(attributes["src"]).startswith("data:image/png;base64,")
            assert not str(attributes.get("href", "#")).startswith("http")
        assert tags.count("img") == 4
        assert "url(" not in page
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
        assert 'href="#image-1"' in page

    def test_reference_without_its_file(self, output: Output) -> None:
        Path(output["references"][0]["path"]).unlink()
        assert "picture not at hand" in render_page(document_of(output, ABOUT))

    def test_what_was_read_is_quoted_with_its_address(self, output: Output) -> None:
        quote: QuoteRecord = {
            "concept": "flag", "asked": "the flag of Bhutan", "source": "Wikipedia", "title": "Flag <i>of</i> Bhutan",
            "quote": "<script>alert(2)</script> a dragon", "link": "https://en.wikipedia.org/wiki/X",
            "licence": "CC-BY-SA-4.0",
        }  # fmt: skip
        output["trace"][0]["quotes"] = [quote]
        page = render_page(document_of(output, ABOUT))
        assert "What was read" in page
        assert (
            '<a href="https://en.wikipedia.org/wiki/X" rel="noreferrer">Flag &lt;i&gt;of&lt;/i&gt; Bhutan</a>' in page
        )
        assert "<q>&lt;script&gt;alert(2)&lt;/script&gt; a dragon</q>" in page
        outline = _Outline()
        outline.feed(page)
        assert "script" not in [tag for tag, _ in outline.tags]

    def test_no_image(self, output: Output) -> None:
        empty: Output = {
            **output,
            "image": None,
            "verdict": None,
            "images": [],
            "references": [],
            "stop_reason": "seconds",
        }
        assert "No image was made: the time budget ran out" in render_page(document_of(empty, ABOUT))
