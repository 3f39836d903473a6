"""Whatever a model answers: the run ends, within its limits, with an image if one was made."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagerag.chat_models import client
from imagerag.chat_models import providers as connecting
from imagerag.graphs.agent_graph import build_graph
from imagerag.modes import Mode
from imagerag.settings import Settings
from testing.misbehaving_runs import PAPER, calls_of, misbehaving_run
from testing.misbehaviour import PATIENCE, TOOLS
from testing.scripted import ScriptedCritic, ScriptedModel, Squares
from testing.servers import Shelf
from testing.strategies import ARGUMENTS

CALLS = st.lists(st.tuples(st.sampled_from([*TOOLS, "paint", ""]), ARGUMENTS), max_size=3)


@pytest.mark.parametrize("seed", range(24))
def test_a_server_that_misbehaves_costs_no_image_and_no_limit(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "BACKOFF", 0.001)
    monkeypatch.setattr(connecting, "TIMEOUT", PATIENCE)
    assert misbehaving_run(seed, str(tmp_path)).troubles == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=st.lists(st.text(max_size=20) | CALLS, min_size=1, max_size=6))
def test_any_answers_end_with_an_image(script: list[object], tmp_path: Path) -> None:
    model = ScriptedModel(script=[*script, *["enough"] * 12], seen=[], offered=[])
    graph = build_graph(
        chat_model=model, critic=ScriptedCritic([0.3] * 40), generator=Squares(), index=Shelf(), checkpointer="memory"
    )
    settings = Settings(home=str(tmp_path), max_steps=12, max_seconds=30)
    result = graph.invoke({"prompt": "an owl"}, {"configurable": {"thread_id": "t"}}, context=settings)
    assert result["image"] is not None
    assert len(model.seen) <= 12


@pytest.mark.parametrize("mode", PAPER)
@pytest.mark.parametrize("judges", [False, True])
def test_a_perfect_model_is_asked_no_more_than_in_the_paper(mode: Mode, judges: bool) -> None:
    up_to_the_last_drawing, in_all = calls_of(mode, judges)
    assert up_to_the_last_drawing <= PAPER[mode][0]
    assert in_all == up_to_the_last_drawing + judges, "the paper never looks at the redraw"
