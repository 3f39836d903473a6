"""The header that names a file."""

import pytest

from imagerag.server.downloads import as_file


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("sea.zip", 'attachment; filename="sea.zip"'),
        ("море.zip", "attachment; filename=\"____.zip\"; filename*=UTF-8''%D0%BC%D0%BE%D1%80%D0%B5.zip"),
    ],
)
def test_a_name_of_any_script_can_be_sent(name: str, header: str) -> None:
    told = as_file(name)["content-disposition"]
    assert told == header
    assert told.encode("latin-1")
    assert as_file(name, shown=True)["content-disposition"] == header.replace("attachment", "inline")
