"""The files of the page, and their headers."""

import asyncio

import pytest

from imagerag.server.web.page_files import page_file


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
