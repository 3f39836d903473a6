"""Keys of servers named by address."""

import pytest

from imagerag.chat_models.providers import remedy
from imagerag.errors import UserError
from imagerag.generators.registry import load_generator
from imagerag.net.server_keys import key_variable, server_key, variable_of


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        ("https://draw.example.org:9000/v1", "K_DRAW_EXAMPLE_ORG_9000"),
        ("https://me:pw@draw-it.example.org/v1", "K_DRAW_IT_EXAMPLE_ORG"),
        ("http://[::1]:9000/v1", "K_1_9000"),
    ],
)
def test_a_servers_own_variable(url: str, variable: str) -> None:
    assert variable_of("K", url) == variable


def test_a_key_belongs_to_one_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_SERVER_KEY", "sk-belongs-to-one-host")
    assert server_key("https://one.example:8000/v1") == "sk-belongs-to-one-host"
    assert server_key("https://one.example:9000/v1") == "sk-belongs-to-one-host"
    with pytest.raises(
        UserError, match=r"'one\.example' has it: set the variable IMAGERAG_SERVER_KEY_TWO_EXAMPLE_9000"
    ):
        server_key("https://two.example:9000/v1")
    monkeypatch.setenv("IMAGERAG_SERVER_KEY_TWO_EXAMPLE_9000", "sk-another")
    assert server_key("https://two.example:9000/v1") == "sk-another"
    monkeypatch.setenv("IMAGERAG_SERVER_KEY_TWO_EXAMPLE_9000", "")
    assert server_key("https://two.example:9000/v1") == ""


def test_names_of_this_machine_are_one_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_SERVER_KEY", "sk-of-this-machine")
    assert {server_key(f"http://{host}:1/v1") for host in ("127.0.0.1", "localhost", "[::1]")} == {"sk-of-this-machine"}


def test_a_generator_of_another_host_gets_no_chat_models_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGERAG_SERVER_KEY", "sk-of-the-chat-model")
    assert server_key("https://vlm.example/v1")
    for generator in ("openai:m@https://draw.example/v1", "google_genai:m@https://draw.example"):
        with pytest.raises(UserError, match="IMAGERAG_SERVER_KEY_DRAW_EXAMPLE"):
            load_generator(generator)


def test_a_refused_key_is_told_by_the_variable_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "openai:m@https://told.example/v1"
    assert key_variable("https://told.example/v1") == "IMAGERAG_SERVER_KEY"
    monkeypatch.setenv("IMAGERAG_SERVER_KEY_TOLD_EXAMPLE", "sk-told")
    assert remedy(name, 401) == "check the key in IMAGERAG_SERVER_KEY_TOLD_EXAMPLE"
