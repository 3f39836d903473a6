"""Names that files of a run may have, on every system."""

import pytest

from imagerag.errors import UserError
from imagerag.file_name import checked_file_name


@pytest.mark.parametrize(
    ("given", "name"), [("owl", "owl"), ("My owl (2).png", "My owl (2)"), ("Eule-ä_1.5", "Eule-ä_1.5")]
)
def test_names(given: str, name: str) -> None:
    assert checked_file_name(given) == name


@pytest.mark.parametrize(
    "given", ["", ".", "..", ".png", "a/b", "a\\b", "C:", "a\nb", "owl.", " owl", "owl ", "x" * 101]
)
def test_no_names(given: str) -> None:
    with pytest.raises(UserError, match="is no name of a file"):
        checked_file_name(given)
