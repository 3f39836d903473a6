"""The names of the tools, and what is so of each."""

from imagerag.prompts import render
from imagerag.tool_registry import REGENERATE, SEARCH_REFERENCES, TOOLS, tools_of_mode
from imagerag.tools.builtin import make_tools


def test_the_registry_names_the_tools_that_there_are() -> None:
    assert list(TOOLS) == [tool.name for tool in make_tools()]


def test_tools_of_packages_are_offered_where_looking_up_is() -> None:
    assert "weather" in tools_of_mode("auto", ["weather"])
    assert "weather" in tools_of_mode("lookup_first", ["weather"], only_look_up=True)
    assert "weather" not in tools_of_mode("rephrase_only", ["weather"])
    assert "weather" not in tools_of_mode("no_lookup", ["weather"])


def test_the_prompt_names_them_as_the_registry_does() -> None:
    told = render("agent.j2", prompt="an owl", base=None, subjects=[], offered=list(TOOLS), mounted=[])
    assert SEARCH_REFERENCES in told
    assert REGENERATE in told
