"""The names of the tools, and what is so of each."""

from pathlib import Path

from imagerag.index.web.facts import FactSearch
from imagerag.prompts import render
from imagerag.tool_registry import FIND_FACTS, REGENERATE, SEARCH_REFERENCES, TOOLS, tools_of_mode
from imagerag.tools.builtin import make_tools
from imagerag.tools.facts import Facts, make_facts_tool


def test_the_registry_names_the_tools_that_there_are() -> None:
    facts: Facts = FactSearch([], Path("web"))
    assert list(TOOLS) == [tool.name for tool in [*make_tools(), make_facts_tool(facts)]]


def test_a_tool_that_a_setting_asks_for_is_offered_only_where_it_is_there() -> None:
    assert FIND_FACTS not in tools_of_mode("auto")
    assert FIND_FACTS in tools_of_mode("auto", [FIND_FACTS])
    assert FIND_FACTS in tools_of_mode("lookup_first", [FIND_FACTS], only_look_up=True)
    assert FIND_FACTS not in tools_of_mode("no_lookup", [FIND_FACTS])
    assert FIND_FACTS not in tools_of_mode("rephrase_only", [FIND_FACTS])


def test_tools_of_packages_are_offered_where_looking_up_is() -> None:
    assert "weather" in tools_of_mode("auto", ["weather"])
    assert "weather" in tools_of_mode("lookup_first", ["weather"], only_look_up=True)
    assert "weather" not in tools_of_mode("rephrase_only", ["weather"])
    assert "weather" not in tools_of_mode("no_lookup", ["weather"])


def test_the_prompt_names_them_as_the_registry_does() -> None:
    told = render("agent.j2", prompt="an owl", base=None, subjects=[], offered=list(TOOLS), mounted=[])
    assert SEARCH_REFERENCES in told
    assert REGENERATE in told
