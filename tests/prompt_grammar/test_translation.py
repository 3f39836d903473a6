"""Other languages and emoji in English, by tables."""

import pytest

from imagerag.assets.language_names import language_names
from imagerag.assets.library import bundled_library
from imagerag.prompt_grammar.languages import EMOJI
from imagerag.prompt_grammar.translation import emoji_to_words, to_english


@pytest.mark.parametrize(
    ("prompt", "language", "english"),
    [
        ("ein Hund auf einem Skateboard", "de", "a dog on a skateboard"),
        ("zwei Katzen und drei Hunde", "de", "two cats and three dogs"),
        ("ein blauer Elefant", "de", "a blue elephant"),
        ("une pomme rouge", "fr", "a red apple"),
        ("le chapeau", "fr", "a hat"),
        ("un gato negro", "es", "a black cat"),
        ("un arbol verde", "es", "a green tree"),
        ("um cachorro com chapéu", "pt", "a dog with a hat"),
        ("una rosa rossa", "it", "a red rose"),
        ("een rode auto onder een boom", "nl", "a red automobile under a tree"),
        ("kot na łóżku", "pl", "a cat on a bed"),
        ("собака на скейтборде", "ru", "a dog on a skateboard"),
        ("k\u0131rm\u0131z\u0131 araba ve kedi", "tr", "a red automobile and a cat"),
        ("قطة سوداء", "ar", "a black cat"),
        ("कुत्ता और बिल्ली", "hi", "a dog and a cat"),
        ("床上的猫", "zh", "a cat on a bed"),
        ("一只猫在床上", "zh", "a cat on a bed"),
        ("赤い車と青い家", "ja", "a red vehicle and a blue house"),
        ("나무 옆에 고양이", "ko", "a cat next to a deciduous tree"),
        ("빨간 자동차와 고양이", "ko", "a red automobile and a cat"),
    ],
)
def test_a_prompt_is_read_in_its_language(prompt: str, language: str, english: str) -> None:
    found = to_english(prompt, language_names(), bundled_library().words)
    assert (found.language, found.text, found.unread) == (language, english, ())


@pytest.mark.parametrize(
    "prompt",
    [
        "a dog", "a vespa", "a corgi", "two corgis", "a penny-farthing", "a cat on a mat", "a photo of a gato", "mouse",
        "make it red", "put a crown on it", "a chat in a villa", "pain", "an angel with a pet", "",
        "a lobster in a kimono, 85mm lens, golden hour, masterpiece", "die cast car", "a gift", "a rose", "pasta",
    ],
)  # fmt: skip
def test_english_stays_english(prompt: str) -> None:
    found = to_english(prompt, language_names(), bundled_library().words)
    assert (found.text, found.language) == (prompt, "")


def test_what_stands_in_no_table_stays_and_is_told() -> None:
    found = to_english("un gato negro sobre una mesa", language_names(), bundled_library().words)
    assert found.text == "a black cat on mesa"
    assert found.unread == ("mesa",)


def test_a_name_that_is_a_colour_as_well_is_a_colour_beside_a_thing() -> None:
    names, words = language_names(), bundled_library().words
    assert to_english("una rosa", names, words).text == "a rose"
    assert to_english("un gato rosa", names, words).text == "a pink cat"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("🐶 on a 🛹", "dog face on a skateboard"),
        ("🐶🛹", "dog face and skateboard"),
        ("a ❤️ on a cake", "a red heart on a cake"),
        ("👩🏽\u200d🚀 riding a 🐎", "woman astronaut riding a horse"),
        ("a 🪿 in a hat", "a goose in a hat"),  # not in the library: as Unicode calls it
        ("a cat, please 😺!", "a cat, please grinning cat!"),
        ("5 → 6 °C", "5 → 6 °C"),
        ("a dog", "a dog"),
    ],
)
def test_emoji_are_read(text: str, words: str) -> None:
    assert emoji_to_words(text, language_names()[EMOJI].english) == words


def test_reading_takes_time_linear_in_the_length() -> None:
    """Of a prompt of 1,500 unknown words, only the likeliest languages are tried."""
    found = to_english("gato xyzzy plugh " * 500, language_names(), bundled_library().words)
    assert found.language in ("", "es")
