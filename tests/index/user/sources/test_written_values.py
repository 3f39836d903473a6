"""Values that programs have written out."""

from typing import Any

import pytest

from imagerag.index.user.sources.written_values import LONGEST, written_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('["a", null]', ["a", None]),
        (" ['a', None] ", ["a", None]),
        ("['a', nan, NaN]", ["a", None, None]),
        ("['nan', \"b's\"]", ["nan", "b's"]),
        ("['a' 'b'\n 'c']", ["a", "b", "c"]),
        ("('a', 'b')", ("a", "b")),
        ('{"name": "MIT", "id": 3}', {"name": "MIT", "id": 3}),
        ("{'name': 'MIT', 'url': None}", {"name": "MIT", "url": None}),
        (r"['C:\dir']", [r"C:\dir"]),
        ("[]", []),
        ("", None),
        ("a", None),
        ("3", None),
        ("('a')", None),
        ("{red|green}", None),
        ("[print('a')]", None),
        ("['a']['b']", None),
        ("[a, b]", None),
        ("{[]: 1}", None),
        ("(" * 5000 + ")" * 5000, None),
        (f"['{'x' * LONGEST}']", None),
        (f'["{"x" * LONGEST}"]', ["x" * LONGEST]),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_a_text_is(text: str, value: Any) -> None:
    assert written_value(text) == value
    assert type(written_value(text)) is type(value)
