"""The files of the page, and their headers."""

import asyncio

import pytest

from imagerag.server.web.page_files import missing_page, page_file


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("index.html", "text/html"),
        ("login.html", "text/html"),
        ("page.js", "text/javascript"),
        ("composer.js", "text/javascript"),
        ("page.css", "text/css"),
    ],
)
def test_each_file_has_its_type_and_a_policy_that_lets_no_other_site_in(name: str, kind: str) -> None:
    answer = asyncio.run(page_file(name))
    assert answer.headers["content-type"].startswith(kind)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(answer.body) > 100


def test_what_is_typed_as_an_address_is_shown_as_text() -> None:
    answer = asyncio.run(missing_page("/<script>alert(1)</script>" + "x" * 500))
    assert answer.status_code == 404
    assert b"/&lt;script&gt;alert(1)&lt;/script&gt;xxx" in answer.body
    assert b"<script>" not in answer.body
    assert b"x" * 80 not in answer.body
    assert "default-src 'none'" in answer.headers["content-security-policy"]
