"""Images as chat models are sent them: scaled to the size that each takes."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from imagerag.agent.vlm_critic import VlmCritic
from imagerag.chat_models.images import TAG, limit_by_name, limit_of
from imagerag.chat_models.providers import connect
from imagerag.errors import UserError
from imagerag.graphs.agent_graph import build_graph
from imagerag.settings import Settings, load_settings
from testing.openai_server import serving
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.verdict_replies import answering, verdict_of

pytestmark = pytest.mark.usefixtures("quick_retries")


def test_the_image_is_scaled_before_it_is_sent(judge_with: Any) -> None:
    import base64
    import io

    _, _, server, _ = judge_with([answering(verdict_of(True))])
    url = server.requests[0]["messages"][0]["content"][1]["image_url"]["url"]
    assert Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size == (768, 384)


@pytest.mark.parametrize(
    ("name", "size", "fitted", "tokens"),
    [
        ("openai:gpt-5", (4000, 1000), (2048, 512), 85 + 4 * 170),
        ("openai:gpt-5", (1024, 1024), (768, 768), 765),
        ("openai:gpt-5-mini", (2000, 2000), (1254, 1254), 3936),
        ("openai:gpt-4o-mini-2024-07-18", (512, 512), (512, 512), 8500),
        ("anthropic:claude-sonnet-4-5", (3000, 1000), (1568, 522), 1180),
        ("google_genai:gemini-2.5-flash", (1024, 1024), (1024, 1024), 4 * 258),
        ("google_genai:gemini-3-pro-preview", (1024, 1024), (1024, 1024), 1120),
        ("ollama:qwen3-vl:8b", (2000, 1000), (1416, 708), 51 * 26),
        ("openai:Qwen/Qwen3-VL-8B@http://127.0.0.1:8000/v1", (100, 100), (100, 100), 16),
        ("transformers:HuggingFaceTB/SmolVLM-Instruct", (2000, 1000), (1536, 768), 1400),
        ("openai:mine@http://127.0.0.1:8000/v1", (2000, 1000), (768, 384), 810),
        ("", (1, 4000), (1, 768), 810),
    ],
)
def test_each_model_has_its_own_size(name: str, size: tuple[int, int], fitted: tuple[int, int], tokens: int) -> None:
    limit = limit_by_name(name)
    assert limit.fit(*size) == fitted
    assert limit.tokens(*fitted) == tokens
    model = ScriptedModel(script=[], seen=[], offered=[], metadata={TAG: name})
    assert limit_of(model) == limit
    assert max(limit_of(model, 100).fit(*size)) == min(100, max(size))


def test_the_person_can_say_how_large_images_are_sent(tmp_path: Path) -> None:
    with serving([answering(verdict_of(True))]) as server:
        critic = VlmCritic("openai:x", connect(server.name), lambda: ScriptedCritic([]))
        model = ScriptedModel(script=[[("generate", {"prompt": "an owl"})]], seen=[], offered=[])
        graph = build_graph(chat_model=model, critic=critic, generator=Squares())
        settings = load_settings({"home": str(tmp_path)}, {"IMAGERAG_IMAGE_SIZE": "16"})
        result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert [step.get("images_sent") for step in result["trace"]] == [None, None, ["16x16"]]
    with pytest.raises(UserError, match=r"image_size 9 is outside 16\.\.8192; give --image-size"):
        Settings(image_size=9)
