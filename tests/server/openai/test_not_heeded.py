"""Fields that change nothing are named."""

from imagerag.server.openai.not_heeded import HEADER, MAX_NAMED, not_heeded, told_in_header


def test_fields_that_say_something_else_than_their_absence_are_named() -> None:
    given = {
        "temperature": 0.0,
        "top_p": None,
        "stop": [],
        "quality": "auto",
        "store": True,
        "parallel_tool_calls": False,
        "response_format": {"type": "text"},
        "seed": 3,
        "steps": 20,
    }
    assert not_heeded(given, ["seed"]) == ["temperature", "store", "steps"]


def test_no_more_are_named_than_a_header_holds() -> None:
    names = not_heeded({f"field-{number}-" + "x" * 100: 1 for number in range(500)}, ())
    assert len(names) == MAX_NAMED
    assert len(told_in_header(names)[HEADER]) < 1000


def test_names_can_not_break_out_of_the_header() -> None:
    assert told_in_header(["a\r\nset-cookie: x", "größe"]) == {HEADER: "a??set-cookie: x, gr??e"}
    assert told_in_header(["a\0b\x7f\ud800"]) == {HEADER: "a?b??"}
    assert told_in_header([]) == {}


def test_an_empty_object_may_ask_for_something() -> None:
    given = {"guided_json": {}, "web_search_options": {}, "metadata": {}, "logit_bias": {}, "stream_options": {}}
    assert not_heeded(given, ()) == ["guided_json", "web_search_options"]
