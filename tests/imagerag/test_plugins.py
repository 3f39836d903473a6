"""Parts of installed packages, found by entry points."""

from collections.abc import Iterator
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from imagerag import plugins
from imagerag.errors import UserError
from imagerag.generators.base import GeneratorPlugin

FACTORY = "tests.imagerag.test_plugins:factory"


def factory(what: str) -> str:
    if what == "fail":
        raise RuntimeError("no licence key")
    return what.upper()


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """Entry points of critics, by name, as packages would declare them."""
    declared: dict[str, str] = {}

    def entry_points(group: str) -> list[EntryPoint]:
        return [EntryPoint(name, target, group) for name, target in declared.items() if group == "imagerag.critics"]

    monkeypatch.setattr(plugins, "entry_points", entry_points)
    plugins._entry_points.cache_clear()
    yield declared
    plugins._entry_points.cache_clear()


def test_what_is_installed_is_listed_without_being_imported(entries: dict[str, str]) -> None:
    entries |= {"loud": FACTORY, "absent": "no_such_module:thing"}
    assert {name: plugin.target for name, plugin in plugins.installed("critics").items()} == {
        "absent": "no_such_module:thing",
        "loud": FACTORY,
    }
    assert plugins.installed("generators") == {}


def test_what_a_factory_makes(entries: dict[str, str]) -> None:
    entries["loud"] = FACTORY
    assert plugins.make("critics", "loud", "owl") == "OWL"


@pytest.mark.parametrize(
    ("name", "target", "said"),
    [
        ("other", FACTORY, r"no installed package has 'loud' .*see: imagerag plugins"),
        (
            "loud",
            "no_such_module:thing",
            r"'loud' of the package .* can't be loaded \(ModuleNotFound.*uninstall",
        ),
        ("loud", "tests.imagerag.test_plugins:FACTORY", r"is a str, not a function; mend 'tests"),
        ("loud", FACTORY, r"'loud' of the package .* failed \(RuntimeError: no licence key\)"),
    ],
)
def test_what_can_not_be_used_is_one_line(entries: dict[str, str], name: str, target: str, said: str) -> None:
    entries[name] = target
    with pytest.raises(UserError, match=said) as refused:
        plugins.make("critics", "loud", "fail")
    assert "\n" not in str(refused.value)


def test_what_is_of_another_class(entries: dict[str, str]) -> None:
    entries["loud"] = FACTORY
    with pytest.raises(UserError, match="is a function, not a GeneratorPlugin"):
        plugins.load_as(GeneratorPlugin, "critics", "loud")


def test_an_error_for_the_person_is_passed_on() -> None:
    def call() -> Any:
        raise UserError("set the variable KEY")

    with pytest.raises(UserError, match=r"^set the variable KEY$"):
        plugins.made_by("critics", "loud", call)
