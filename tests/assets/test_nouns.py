"""Words that name things one can see."""

from imagerag.assets.nouns import concrete_nouns


def test_things_are_there_and_what_is_no_thing_is_not() -> None:
    nouns = concrete_nouns()
    assert nouns >= {"ladybug", "soda", "tub", "fir"}
    assert not {"eye", "long", "run", "red", "because"} & nouns
    assert all(word == word.lower() and word.isalpha() for word in nouns)
