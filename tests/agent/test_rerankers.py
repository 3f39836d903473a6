"""Rerankers of what was looked up: by a model that sees it, over real HTTP, and by the user's subject."""

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.registry import load_reranker
from imagerag.agent.rerankers import SIDE, SubjectReranker, VlmReranker
from imagerag.assets.library import Library
from imagerag.chat_models.providers import connect
from imagerag.chat_models.usage_meter import UsageMeter, using_meter
from imagerag.embedders.registry import embedded_clip
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.libraries import open_index
from imagerag.settings import Settings
from testing.openai_server import OpenAIServer, Reply, serving

FOUND = [[Image.new("RGB", (600, 300), colour) for colour in ("red", "green", "blue")], [Image.new("RGB", (9, 9))]]


def rankings(*best: Sequence[int]) -> Reply:
    ordered = [{"caption": number, "best": list(places)} for number, places in enumerate(best, 1)]
    return Reply(json.dumps({"rankings": ordered}))


def reranked(replies: Sequence[Reply]) -> tuple[list[list[int]], UsageMeter, OpenAIServer]:
    with serving(replies) as server, using_meter(UsageMeter()) as meter:
        return VlmReranker(connect(server.name)).rerank(["an owl", "a cat"], FOUND, []), meter, server


class TestVlm:
    def test_one_question_and_those_left_out_are_out(self) -> None:
        orders, meter, server = reranked([rankings([3, 1])])
        assert orders == [[2, 0], [0]]
        assert meter.calls == 1
        content = server.requests[0]["messages"][0]["content"]
        assert sum(block["type"] == "image_url" for block in content) == 3  # a single candidate has nothing to choose
        assert "a cat" not in content[0]["text"]
        assert meter.images_sent == [f"{SIDE}x{SIDE // 2}"] * 3

    def test_the_size_of_images_is_heeded(self) -> None:
        with serving([rankings([1])]) as server, using_meter(UsageMeter(image_size=64)) as meter:
            VlmReranker(connect(server.name)).rerank(["an owl", "a cat"], FOUND, [])
        assert meter.images_sent == ["64x32"] * 3

    def test_numbers_that_are_none_are_not_heeded(self) -> None:
        orders, _, _ = reranked([rankings([9, 2, 2, -1, 0], [1], [1])])
        assert orders == [[1], [0]]

    def test_none_may_be_of_use(self) -> None:
        assert reranked([rankings([])])[0] == [[], [0]]

    def test_the_order_stays_where_nothing_usable_comes(self) -> None:
        orders, meter, _ = reranked([Reply("the owl is nice"), Reply("so is the cat")])
        assert orders == [[0, 1, 2], [0]]
        assert meter.calls == 2  # with one repair
        assert "the order stays" in meter.notes[-1]

    def test_a_model_that_sees_is_needed(self) -> None:
        with pytest.raises(UserError, match="rerank 'vlm' needs a model that takes images"):
            load_reranker("vlm", "rules", "clip", embedded_clip)


@pytest.mark.slow
class TestSubject:
    def test_what_looks_like_the_subject_comes_first(self) -> None:
        library = Library()
        pictures = [Image.open(io.BytesIO(library.image_bytes(at))) for at in range(6)]
        order = SubjectReranker(embedded_clip).rerank(["x"], [pictures], [pictures[5]])[0]
        assert sorted(order) == list(range(6))
        assert order.index(5) < 5  # the last by the caption is the first by its looks

    def test_without_a_subject_the_order_stays(self) -> None:
        assert SubjectReranker(embedded_clip).rerank(["a", "b"], FOUND, []) == [[0, 1, 2], [0]]


@pytest.mark.slow
class TestInARun:
    def test_the_model_s_choice_is_drawn_with(self, tmp_path: Path) -> None:
        asked: list[dict[str, Any]] = []

        def script(request: dict[str, Any], number: int) -> Reply:
            text = json.dumps(request)
            if "image search was asked" in text:
                asked.append(request)
                return rankings(*[[3]] * 5)
            if "compare it with" in text:
                first = sum("compare it with" in json.dumps(other) for other in server.requests) == 1
                seen = {"concept": "kimono", "kind": "content", "present": not first, "confidence": 0.9}
                return Reply(json.dumps({"concepts": [seen], "matches": not first}))
            return Reply("{}")

        with serving(script) as server:
            settings = Settings(critic=server.name, rerank="vlm", home=str(tmp_path), seed=3, max_generations=2)
            result = build_graph().invoke(
                {"prompt": "a kimono"}, config={"configurable": {"thread_id": "t"}}, context=settings
            )
        assert len(asked) == 1
        hits = [record for record in result["references"] if record["kind"] == "retrieved"]
        assert hits
        for hit in hits:  # the third by CLIP is the model's choice
            assert hit["sha256"] == open_index(tmp_path).search([hit["caption"]], 6)[0][2].sha256

    def test_an_unknown_way_is_refused(self) -> None:
        with pytest.raises(UserError, match="rerank 'best' is not one of none, vlm, subject"):
            Settings(rerank="best")
