"""Chroma and MCP servers: there, not there, and without what is asked of them."""

import pytest

from imagerag.doctor.connections import check_chroma, check_tools
from imagerag.doctor.examine import examine
from imagerag.settings import Settings
from imagerag.shell_words import shown_server
from tests.doctor.conftest import SettingsOf

VLM = {"vlm": "transformers:/nosuch"}


def test_a_chroma_server_that_does_not_answer(settings_of: SettingsOf) -> None:
    assert check_chroma(settings_of()) == []
    (finding,) = check_chroma(settings_of(chroma="http://127.0.0.1:9"))
    assert (finding.status, finding.mend) == ("wrong", "start one: chroma run --path FOLDER")
    assert "'http://127.0.0.1:9' does not answer" in finding.text
    (finding,) = check_chroma(settings_of(chroma="foo"))
    assert (finding.status, finding.mend) == ("wrong", "give one like http://127.0.0.1:8000")


def test_offline_a_command_is_looked_for_and_an_address_left_alone(settings_of: SettingsOf) -> None:
    servers = ("python3 -m mine", "/no/such/command x", "'", "https://tools.example.org/mcp")
    found = check_tools(settings_of(mcp_server=servers, **VLM), offline=True)
    assert [finding.status for finding in found] == ["ok", "wrong", "wrong"]
    assert "python3 ..." in found[0].text
    assert "mine" not in found[0].text, "arguments may be keys"


@pytest.mark.parametrize("server", ["/no/such/command x", "http://127.0.0.1:9/mcp"])
def test_a_server_of_tools_that_is_not_there(server: str, settings_of: SettingsOf) -> None:
    pytest.importorskip("mcp")
    (finding,) = check_tools(settings_of(mcp_server=(server,), mcp_allow=("find",), **VLM), offline=False)
    assert (finding.status, finding.mend) == ("wrong", "start or mend it, or leave --mcp-server out")


@pytest.mark.slow
def test_a_server_of_tools_with_and_without_the_one_allowed(settings_of: SettingsOf) -> None:
    from testing.mounted_runs import STDIO

    def told(allow: str) -> tuple[str, str]:
        (finding,) = check_tools(settings_of(mcp_server=(STDIO,), mcp_allow=(allow,), **VLM), offline=False)
        return finding.status, finding.text

    assert told("environment") == ("ok", f"{shown_server(STDIO)!r} offers environment")
    assert told("nosuch")[0] == "wrong"


@pytest.mark.slow
def test_all_of_it_is_part_of_an_examination(settings_of: SettingsOf) -> None:
    asked = Settings(home=settings_of().home, chroma="http://127.0.0.1:9", mcp_server=("/no/such",), **VLM)  # type: ignore[arg-type]
    wrong = {finding.area for finding in examine(asked).findings if finding.status == "wrong"}
    assert {"chroma", "tools"} <= wrong
