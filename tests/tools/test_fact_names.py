"""Whether a page is about what was asked for, by the wording of its beginning."""

import pytest

from imagerag.tools.fact_names import is_said_to_be

MASCOT = "the mascot of the 2026 Winter Olympics"


@pytest.mark.parametrize(
    ("title", "text", "asked"),
    [
        ("Tina and Milo", "Tina and Milo (stoats) are the official mascots of the 2026 Winter Olympics.", MASCOT),
        ("Tina & Milo", "mascots of the 2026 Winter Olympics and Paralympics", MASCOT),
        ("Tina and Milo", "Tina and Milo are two stoats. They were the mascots of the 2026 Winter Olympics.", MASCOT),
        ("Thimphu", "Thimphu is the capital and largest city of Bhutan.", "the capital of Bhutan"),
        ("Fufu", "Fufu is a dough. It is often called the national dish of Ghana.", "the national dish of Ghana"),
        ("Alfred Nobel", "Nobel was a Swedish chemist, the inventor of dynamite.", "the inventor of dynamite"),
        ("Jane Roe", "Jane Roe is a politician who has been the mayor of Omaha since 2013.", "the mayor of Omaha"),
        ("Toro", "Toro is a cat and Sony's mascot.", "Sony's mascot"),
        ("John Roe", "John Roe was the mayor of Omaha in 1950.", "the mayor of Omaha in 1950"),
    ],
)  # fmt: skip
def test_what_a_page_is_about(title: str, text: str, asked: str) -> None:
    assert is_said_to_be(title, text, asked)


@pytest.mark.parametrize(
    ("title", "text", "asked"),
    [
        ("Jane Roe", "Jane Roe is a designer known for the mascots of the 2026 Winter Olympics.", MASCOT),
        ("Jane Roe", "Jane Roe is an artist who drew Tina, the mascot of the 2026 Winter Olympics.", MASCOT),
        ("Jane Roe", "designer of the mascots of the 2026 Winter Olympics", MASCOT),
        ("Bing", "Bing is the mascot of 2022, followed by Tina, mascot of the 2026 Winter Olympics.", MASCOT),
        ("Two", "Two is a rejected mascot of the 2026 Winter Olympics.", MASCOT),
        ("Jane Roe", "Jane Roe is the wife of John Roe, the mayor of Omaha.", "the mayor of Omaha"),
        ("Jane Roe", "Jane Roe is the vice mayor of Omaha.", "the mayor of Omaha"),
        ("Jane Roe", "Jane Roe was the mayor of Omaha from 1950 to 1960.", "the mayor of Omaha"),
        ("Jane Roe", "Jane Roe is a former mayor of Omaha.", "the mayor of Omaha"),
        ("City Hall", "City Hall is the seat of the mayor of Omaha.", "the mayor of Omaha"),
        ("Max Roe", "Max Roe is a composer who recomposed The Four Seasons.", "the composer of The Four Seasons"),
        ("Omaha", "", "the mayor of Omaha"),
        ("Omaha", "(" * 500 + "the mayor of Omaha", ""),
    ],
)  # fmt: skip
def test_what_says_the_same_words_of_something_else(title: str, text: str, asked: str) -> None:
    assert not is_said_to_be(title, text, asked)
