"""Settings as a run has them, a machine without keys, and a hub of this process."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from imagerag.chat_models.providers import ALSO, KEYS
from imagerag.net.server_keys import SERVER_KEY
from imagerag.profiles import RunSettings, resolve
from imagerag.settings import Settings
from testing.hub_server import HubServer, Repository, hub_server

OpenHub = Callable[[Mapping[str, Repository]], AbstractContextManager[HubServer]]
SettingsOf = Callable[..., RunSettings]


@pytest.fixture(autouse=True)
def nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave no key, no cache, and no hub that could be reached."""
    for variable in (*KEYS.values(), *(each for names in ALSO.values() for each in names), SERVER_KEY, "HF_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    lead_to(monkeypatch, "http://127.0.0.1:9", tmp_path)  # first: the hub's library reads HOME as it is imported
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))


def lead_to(monkeypatch: pytest.MonkeyPatch, url: str, folder: Path) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder / "cache"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(folder / "no token"))


@pytest.fixture
def open_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenHub:
    """Open a hub with these repositories, until the block ends."""

    @contextmanager
    def opened(repositories: Mapping[str, Repository]) -> Iterator[HubServer]:
        with hub_server(repositories) as hub:
            lead_to(monkeypatch, hub.url, tmp_path)
            yield hub

    return opened


@pytest.fixture
def settings_of(tmp_path: Path) -> SettingsOf:
    """Return the settings of a run of the embedded profile, with these changes after the profile is resolved."""

    def made(**changes: object) -> RunSettings:
        settings = resolve(Settings(home=str(tmp_path / "home"), profile="pictograms"))
        return replace(settings, **changes)  # type: ignore[arg-type]

    return made
