"""A model that takes no images drives, too: it is told in words and numbers what there is to see, and CLIP judges."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from imagerag.agent.registry import load_chat_model, load_critic
from imagerag.chat_models import client
from imagerag.chat_models.capabilities import takes_images
from imagerag.chat_models.providers import connect
from imagerag.errors import UserError
from imagerag.graphs import Settings, build_graph
from imagerag.graphs.nodes import agent as deciding
from imagerag.settings import load_settings
from testing.openai_server import OpenAIServer, Reply, serving
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.servers import Shelf

DRAW = Reply(calls=[("generate", {"prompt": "an owl"})])
SEARCH = Reply(calls=[("search_references", {"captions": [{"concept": "owl", "caption": "an owl"}], "k": 2})])
LOOK = Reply(calls=[("inspect_image", {"image_id": "ref-1", "concepts": ["owl"]})])
REDRAW = Reply(calls=[("regenerate_with_references", {"prompt": "an owl", "reference_ids": ["ref-1"]})])


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(client, "BACKOFF", 0.001)
    load_chat_model.cache_clear()
    yield
    load_chat_model.cache_clear()


def seeing_nothing(replies: Sequence[Reply], status: int = 400) -> Any:
    """Return the script of a server that refuses images, and lists of blocks with them."""
    left = iter(replies)

    def script(request: dict[str, Any], number: int) -> Reply:
        if "image_url" in json.dumps(request["messages"]):
            return Reply("image input is not supported", status=status)
        return next(left)

    return script


def run(server: OpenAIServer, home: Path, **settings: Any) -> Any:
    graph = build_graph(critic=ScriptedCritic([0.3, 0.9]), generator=Squares(), index=Shelf())
    settings = Settings(**{"home": str(home), "vlm": server.name, **settings})
    return graph.invoke({"prompt": "an owl", "seed": 7}, {"configurable": {"thread_id": "t"}}, context=settings)


def test_a_text_model_drives_the_whole_loop_by_words_and_numbers(tmp_path: Path) -> None:
    with serving(seeing_nothing([DRAW, SEARCH, LOOK, REDRAW])) as server:
        result = run(server, tmp_path, vlm_text_only=True)
        sent = server.requests[-1]["messages"]
    assert result["stop_reason"] == "satisfied"
    assert result["image"]["references"] == ["ref-1"]
    assert len(server.requests) == 4, "nothing was refused"
    assert all(isinstance(message["content"], str | None) for message in sent)
    told = sent[-1]["content"]
    assert "owl: present (0.90)" in told
    assert told.count("'") >= 10, "five captions, in quotes"
    assert "nearest captions, by cosine: '" in told


@pytest.mark.parametrize("status", [400, 500])
def test_a_server_that_refuses_images_is_asked_again_in_words_and_from_then_on(tmp_path: Path, status: int) -> None:
    with serving(seeing_nothing([DRAW, SEARCH, LOOK, REDRAW], status)) as server:
        result = run(server, tmp_path)
        refused = sum("image_url" in json.dumps(request["messages"]) for request in server.requests)
    assert result["stop_reason"] == "satisfied"
    assert refused == (1 if status == 400 else 3), "only the first time, with its retries"
    errors = [step["error"] for step in result["trace"] if step["node"] == "agent" and step["error"]]
    assert len(errors) == 1
    assert "image input is not supported" in errors[0]
    assert "asked again without images" in errors[0]
    looked = next(
        step["summary"] for step in result["trace"] if (step["node"], step["name"]) == ("tools", "inspect_image")
    )
    assert "nearest captions" in looked


NO_TOOLS = "registry.ollama.ai/library/gemma3:4b does not support tools"
ROLES = "Conversation roles must alternate user/assistant/user/assistant/..."


def in_plain_turns(replies: Sequence[Reply], why: str, status: int) -> Any:
    """Return the script of a server that refuses tools and results of tools, and turns that don't alternate."""
    left = iter(replies)

    def script(request: dict[str, Any], number: int) -> Reply:
        roles = [message["role"] for message in request["messages"]]
        plain = roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
        if request.get("tools") or not plain:
            return Reply(why, status=status)
        return next(left)

    return script


def written(reply: Reply) -> Reply:
    """Return the reply with its calls in its text, as a model writes them that has no other way."""
    calls = "\n".join(f"<tool_call>{json.dumps({'name': n, 'arguments': a})}</tool_call>" for n, a in reply.calls)
    return Reply(f"I see.\n{calls}")


@pytest.mark.parametrize(("why", "status"), [(NO_TOOLS, 400), (ROLES, 400), ("tools param requires --jinja flag", 500)])
def test_a_server_that_takes_no_tools_is_asked_in_plain_turns(tmp_path: Path, why: str, status: int) -> None:
    replies = [written(reply) for reply in (DRAW, SEARCH, LOOK, REDRAW)]
    with serving(in_plain_turns(replies, why, status)) as server:
        result = run(server, tmp_path)
        refused = sum(bool(request.get("tools")) for request in server.requests)
        sent = server.requests[-1]["messages"]
    assert (result["stop_reason"], result["image"]["references"]) == ("satisfied", ["ref-1"])
    assert refused == (1 if status == 400 else 3), "only the first time, with its retries"
    errors = [step["error"] for step in result["trace"] if step["node"] == "agent" and step["error"]]
    assert [f"{why}" in error and "asked again without tools" in error for error in errors] == [True]
    assert '"name": "regenerate_with_references"' in json.dumps(sent[0]).replace("\\", "")
    assert "<tool_call>" in json.dumps(sent[1])
    blocks = [block for message in sent[2:] if isinstance(message["content"], list) for block in message["content"]]
    said = [block.get("text", "IMAGE") for block in blocks]
    assert "Result of generate:" in said
    assert said[said.index("image-1:") + 1] == "IMAGE", "each image by its id"


def test_what_was_asked_in_plain_turns_is_played_back_so(tmp_path: Path) -> None:
    file = tmp_path / "run.jsonl"
    replies = [written(reply) for reply in (DRAW, SEARCH, LOOK, REDRAW)]
    with serving(in_plain_turns(replies, NO_TOOLS, 400)) as server:
        recorded = run(server, tmp_path / "one", record=str(file))
    graph = build_graph(critic=ScriptedCritic([0.3, 0.9]), generator=Squares(), index=Shelf())
    settings = Settings(home=str(tmp_path / "two"), vlm=f"replay:{file}")
    played = graph.invoke({"prompt": "an owl", "seed": 7}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert [image["sha256"] for image in played["images"]] == [image["sha256"] for image in recorded["images"]]
    assert played["image"]["references"] == ["ref-1"]


def test_a_server_that_takes_neither_tools_nor_images(tmp_path: Path) -> None:
    replies = [written(reply) for reply in (DRAW, SEARCH, LOOK, REDRAW)]
    plain = in_plain_turns(replies, NO_TOOLS, 400)

    def script(request: dict[str, Any], number: int) -> Reply:
        if "image_url" in json.dumps(request["messages"]):
            return Reply("this model takes no images", status=400)
        return plain(request, number)

    with serving(script) as server:
        result = run(server, tmp_path)
    assert (result["stop_reason"], result["image"]["references"]) == ("satisfied", ["ref-1"])
    errors = [step["error"] for step in result["trace"] if step["node"] == "agent" and step["error"]]
    assert [error.rpartition("; ")[2] for error in errors] == [
        "asked again without tools",
        "asked again without images",
    ]


def test_calls_that_a_server_has_left_in_the_text_are_read(tmp_path: Path) -> None:
    with serving([written(DRAW), Reply("Nothing more to do.")]) as server:
        result = run(server, tmp_path)
        assert "tool_calls" in server.requests[1]["messages"][2]
    assert result["image"]["prompt"] == "an owl"
    assert not [step["error"] for step in result["trace"] if step["error"]]


def test_images_are_sent_where_openai_takes_them_each_by_its_id(tmp_path: Path) -> None:
    drawn_and_found = Reply(calls=[*DRAW.calls, *SEARCH.calls])
    with serving([drawn_and_found, REDRAW]) as server:
        result = run(server, tmp_path)
        sent = server.requests[1]["messages"]
    assert result["stop_reason"] == "satisfied"
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "tool", "tool", "user", "user"]
    assert all(isinstance(message["content"], str) for message in sent if message["role"] == "tool")
    kinds = [block.get("text", block["type"]) for block in sent[5]["content"]]
    assert kinds[:4] == ["image-1:", "image_url", "ref-1:", "image_url"]


def shown_in(request: dict[str, Any]) -> list[str]:
    """Return the labels of the images in a request."""
    blocks = [b for message in request["messages"] if isinstance(message["content"], list) for b in message["content"]]
    return [before["text"] for before, block in pairwise(blocks) if block["type"] == "image_url"]


def test_of_many_images_the_newest_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "NEWEST", 3)
    monkeypatch.setattr(ScriptedCritic, "judge", lambda self, images, prompt: [self._verdict(0.3) for _ in images])
    with serving([DRAW, SEARCH, DRAW, Reply("Done.")]) as server:
        run(server, tmp_path)
        shown = [shown_in(request) for request in server.requests]
    assert shown == [[], ["image-1:"], ["image-1:", "ref-1:", "ref-2:"], ["ref-1:", "ref-2:", "image-2:"]]


def test_a_second_turn_shows_the_first_ones_picture(tmp_path: Path) -> None:
    said = json.dumps({"prompt": "a blue owl", "base": "image-1", "keep_seed": True})
    with serving([DRAW, Reply("Done."), Reply(said), DRAW]) as server:
        graph = build_graph(critic=ScriptedCritic([0.3, 0.9]), generator=Squares(), index=Shelf())
        config: Any = {"configurable": {"thread_id": "t"}}
        settings = Settings(home=str(tmp_path), vlm=server.name)
        graph.invoke({"prompt": "an owl"}, config, context=settings)
        result = graph.invoke({"prompt": "make it blue"}, config, context=settings)
        last = server.requests[-1]["messages"]
    assert result["stop_reason"] == "satisfied"
    assert not [step["error"] for step in result["trace"] if step["error"]], "nothing was refused"
    assert "image_url" in json.dumps(last)


def test_a_question_that_is_refused_without_images_too_ends_the_run_with_its_image(tmp_path: Path) -> None:
    def script(request: dict[str, Any], number: int) -> Reply:
        return Reply("too long", status=400) if number else DRAW

    with serving(script) as server:
        result = run(server, tmp_path)
        assert len(server.requests) == 3
    assert (result["stop_reason"], result["image"]["id"]) == ("error", "image-1")


def test_what_tells_that_a_model_takes_no_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    assert takes_images(connect("openai:gpt-5"))
    assert not takes_images(connect("openai:gpt-3.5-turbo")), "by LangChain's profile"
    assert takes_images(connect("openai:anything@http://127.0.0.1:1/v1")), "unless told otherwise"

    class Blind(ScriptedModel):
        takes_images: bool = False

    assert not takes_images(Blind(script=[], seen=[], offered=[]))


def test_a_critic_that_takes_no_images_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    with pytest.raises(
        UserError, match=r"'openai:gpt-3.5-turbo' takes no images.*leave --critic out, then CLIP judges"
    ):
        load_critic("openai:gpt-3.5-turbo")
    with pytest.raises(UserError, match=r"takes no images \(--vlm-text-only\).*leave --critic out"):
        Settings(vlm="openai:x@http://127.0.0.1:1/v1", critic="openai:x@http://127.0.0.1:1/v1", vlm_text_only=True)


def test_the_setting_is_a_variable_too() -> None:
    assert load_settings(environ={"IMAGERAG_VLM_TEXT_ONLY": "1"}).vlm_text_only
    assert not load_settings(environ={"IMAGERAG_VLM_TEXT_ONLY": "false"}).vlm_text_only
    with pytest.raises(UserError, match="IMAGERAG_VLM_TEXT_ONLY is 'maybe'; it must be one of true"):
        load_settings(environ={"IMAGERAG_VLM_TEXT_ONLY": "maybe"})


def test_the_nearest_captions_of_a_picture_name_what_it_shows() -> None:
    from imagerag.agent.clip_critic import ClipCritic
    from imagerag.assets.library import Library

    library, critic = Library(), load_critic("clip")
    assert isinstance(critic, ClipCritic)
    nearest = critic.nearest_captions(library.image(library.by_concept["lobster"][0]))
    assert nearest[0][0] == "lobster"
    assert len(nearest) == 5
    assert nearest == sorted(nearest, key=lambda pair: -pair[1])
