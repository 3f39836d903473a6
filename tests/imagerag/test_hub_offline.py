"""The hub's client stays offline where the hub can't be reached, and only there and then."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from imagerag import hub_offline
from imagerag.chat_models.local.loading import load_local
from imagerag.embedders.clip import load_embedder
from imagerag.errors import UserError
from imagerag.generators.diffusion.published import published_by
from imagerag.hub_offline import is_kept_offline, offline_where_unreachable, why_unreachable


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine at which somebody listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.fixture
def closed() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        number: int = bound.getsockname()[1]
    return number


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_offline, "_looked", {})
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


def at(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")


def test_it_is_offline_until_the_last_that_loads_is_done(monkeypatch: pytest.MonkeyPatch, closed: int) -> None:
    at(monkeypatch, closed)
    with offline_where_unreachable(["owner/name"]):
        assert constants.HF_HUB_OFFLINE
        assert is_kept_offline()
        with offline_where_unreachable(["owner/other"]):
            assert constants.HF_HUB_OFFLINE
        assert constants.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE
    assert not is_kept_offline()


def test_where_the_hub_answers_nothing_changes(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    at(monkeypatch, port)
    with offline_where_unreachable(["owner/name"]):
        assert not constants.HF_HUB_OFFLINE
    assert why_unreachable() == ""


def test_what_is_here_asks_for_no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, closed: int) -> None:
    at(monkeypatch, closed)
    with offline_where_unreachable([str(tmp_path)]):
        assert not constants.HF_HUB_OFFLINE
    assert not hub_offline._looked


def test_who_asked_to_be_offline_stays_so(monkeypatch: pytest.MonkeyPatch, closed: int) -> None:
    at(monkeypatch, closed)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with offline_where_unreachable(["owner/name"]):
        assert not is_kept_offline()
    assert constants.HF_HUB_OFFLINE


def test_behind_a_proxy_the_proxy_has_to_answer(monkeypatch: pytest.MonkeyPatch, port: int, closed: int) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://hub.invalid")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    assert why_unreachable() == ""
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed}")
    monkeypatch.setattr(hub_offline, "_looked", {})
    assert why_unreachable()


@pytest.mark.slow
@pytest.mark.parametrize("part", ["generator", "chat model", "clip", "clip by its tag"])
def test_what_lacks_is_told_without_trying_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, closed: int, part: str
) -> None:
    at(monkeypatch, closed)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    tries: list[object] = []
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", tries.append)
    load = {
        "generator": lambda: published_by("owner/name", None, None).class_name,
        "chat model": lambda: load_local("transformers:owner/name"),
        "clip": lambda: load_embedder("open_clip:hf-hub:owner/name"),
        "clip by its tag": lambda: load_embedder("open_clip:ViT-B-32/laion2b_s34b_b79k"),
    }[part]
    with pytest.raises(
        UserError, match=rf"is not on this machine .*http://127.0.0.1:{closed} can't be reached"
    ) as told:
        load()
    assert not tries
    assert "HF_HUB_OFFLINE" not in str(told.value)
    assert "hf download " in str(told.value)
