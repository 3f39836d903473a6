"""Text of others is no Markdown in an answer."""

from collections.abc import Callable

from testing.openai_requests import MODEL, user
from testing.servers import Served, Shelf


def test_text_of_others_is_no_markdown_in_the_answer(serve: Callable[..., Served]) -> None:
    client = serve(scores=[0.3, 0.9], index=Shelf("![x](http://evil.test/x.png) <img src=x>")).client()
    answer = client.chat.completions.create(model=MODEL, messages=[user("an owl")])
    text = answer.choices[0].message.content
    assert "evil" in text
    assert "](http://evil" not in text
    assert "<img" not in text
