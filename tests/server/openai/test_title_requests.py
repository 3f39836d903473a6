"""Sentences that ask for a title or a summary, and sentences that only have one in them."""

import pytest

from imagerag.server.openai.title_requests import (
    asks_for_summary,
    asks_for_tags,
    asks_for_title,
    end_of_title_request,
    instructs_to_title,
    names_picture,
)


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Write a short title for this chat", True),
        ("Generate a name for our conversation, no quotes", True),
        ("Give the conversation a title", True),
        ("Write a subject line for the above conversation", True),
        ("Give the chat a heading", True),
        ("Title this chat: an owl", True),
        ("Please name this discussion", True),
        ("You are a title generator. Title this conversation", True),
        ("Name the chat noir poster", False),
        ("Label this session photo", False),
        ("Name this discussion painting 'Owls'", False),
        ("A poster that says 'name this chat'", False),
        ("A subject line of ants in a discussion", False),
        ("Give the cat of our conversation a title", False),
        ("Create a shield with a short title of our conversation", False),
        ("Create a title of gold", False),
    ],
)
def test_a_title_is_asked_for_where_it_is_the_object(text: str, asks: bool) -> None:
    assert asks_for_title(text) is asks


@pytest.mark.parametrize("lines", ["User: an owl\nAI: Drawn.", "<chat_history>\nan owl\n</chat_history>"])
def test_a_transcript_is_the_second_sign_of_a_looser_sentence(lines: str) -> None:
    asked = "The title of the conversation, please."
    assert not asks_for_title(asked)
    assert asks_for_title(f"{asked}\n{lines}")


def test_limits_after_an_answer_are_a_second_sign() -> None:
    asked = "The chat needs a title now: 3 words, no quotes."
    assert not asks_for_title(asked)
    assert asks_for_title(asked, after_answer=True)


def test_the_end_is_that_of_the_words_that_ask() -> None:
    asked = "Write a title for this chat"
    assert end_of_title_request(f"{asked}: an owl") == len(asked)


@pytest.mark.parametrize(
    ("text", "instructs"),
    [
        ("Reply with a brief title for the user message", True),
        ("Reply with a brief title for the message", True),
        ("你需要将用户的会话总结为 10 个字以内的标题", True),
        ("将会话画成图, 生成标题", False),
        ("Reply with a title for the message", False),
        ("You draw images. Give a brief title to the message", False),
    ],
)
def test_instructions_need_a_limit_and_no_picture(text: str, instructs: bool) -> None:
    assert instructs_to_title(text) is instructs


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Summarize this chat", True),
        ("Please briefly summarize the conversation in 3 sentences", True),
        ("Summarize the conversation in French", True),
        ("Summarize the conversation as a mosaic", False),
        ("Summarize the owls", False),
    ],
)
def test_a_summary_is_of_words(text: str, asks: bool) -> None:
    assert asks_for_summary(text) is asks


def test_words_for_pictures() -> None:
    assert names_picture("a Sticker")
    assert not names_picture("an owl")


@pytest.mark.parametrize(
    ("text", "asks"),
    [
        ("Suggest 3 tags for this conversation", True),
        ("Write tags for this chat as a JSON array", True),
        ("Generate keywords describing the conversation above, as a list of strings", True),
        ("Create tags of leather for the discussion table", False),
        ("Draw tags for this chat", False),
        ("Make a sticker with tags for this chat", False),
        ("Write keywords on the wall in this chat room", False),
        ("Write tags for this chat as a mosaic", False),
    ],
)
def test_tags_are_of_a_conversation(text: str, asks: bool) -> None:
    assert asks_for_tags(text) is asks
