"""Of a caption leaves what things are called, and nothing by which somebody is reached."""

import pytest

from imagerag.index.web.sent_words import sent_words


@pytest.mark.parametrize(
    ("caption", "sent"),
    [
        ("a scarlet ibis", "a scarlet ibis"),
        ("the flag of Bhutan", "the flag of Bhutan"),
        ("a Boeing 747-400", "a Boeing 747-400"),
        ("a poster of the war of 1914-1918", "a poster of the war of 1914-1918"),
        ("the moon on 1969-07-20", "the moon on 1969-07-20"),
        ("a robot R2-D2 of 1977", "a robot R2-D2 of 1977"),
        ("a man reading a newspaper", "a man reading a newspaper"),
        ("a canary@example.org", ""),
        ("a business card with canary@example.org", "a business card"),
        ("an okapi at https://canary.example/secret?x=1", "an okapi"),
        ("a sign www.canary.example", "a sign"),
        ("mail canary@example.org", ""),
        ("a mail coach", "a mail coach"),
        ("a tel 555-1234", ""),
        ("a card with +49 (0)30 123456", "a card"),
        ("a card 4111 1111 1111 1111", "a card"),
        ("a sign that says canary", "a sign"),
        ("a shirt saying I love Canary", "a shirt"),
        ("an okapi sk-canarycanarycanary1234", "an okapi"),
        ("", ""),
    ],
)
def test_what_is_sent(caption: str, sent: str) -> None:
    assert sent_words(caption) == sent
