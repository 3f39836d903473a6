"""Keys and retries for remote generators."""

import pytest

from imagerag.generators.remote import calling


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-openai")
    monkeypatch.setenv("IMAGERAG_SERVER_KEY", "sk-of-the-server")
    monkeypatch.setattr(calling, "FIRST_WAIT", 0.01)
