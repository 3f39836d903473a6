"""The settings: every source gives the same value, as declared; the cases are made from the declarations."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from docs.settings_table import page
from imagerag.cli.options import add_serve, draw_parser, parse_draw, settings_of
from imagerag.cli.parser import parse
from imagerag.cli.strict_parser import Parser
from imagerag.declaration import GROUPS, SERVER_ONLY, Setting, declared_settings
from imagerag.errors import UserError
from imagerag.graphs import build_graph
from imagerag.settings import DECLARED, SETTINGS, Settings, load_settings, without_server_paths

ALL = declared_settings(Settings)
ROOT = Path(__file__).resolve().parent
while not (ROOT / "pyproject.toml").exists():
    ROOT = ROOT.parent

every_field = pytest.mark.parametrize("declared", ALL.values(), ids=ALL)
every_setting = pytest.mark.parametrize("declared", DECLARED.values(), ids=DECLARED)


def valid_value(declared: Setting) -> Any:
    """A value that is allowed and is not the default."""
    if declared.choices:
        return next(choice for choice in declared.choices if choice != declared.default)
    if declared.kind is int:
        return declared.high or (declared.low or 0) + 7
    if declared.kind is float:
        return 0.25
    if declared.name == "offer":
        return ("generator=first", "critic=second part")
    of_its_own_form = {"size": "640x480", "aspect": "4:3"}.get(declared.name, "something")
    known = {"licences": ("cc0", "CC-BY-4.0"), "facts": ("wikipedia", "wikidata")}
    several = known.get(declared.name, ("first", "second part"))
    return {bool: True, tuple: several, str: of_its_own_form}[declared.kind]


def invalid_values(declared: Setting) -> Iterator[Any]:
    """Values just outside the range or the choices."""
    if declared.choices:
        yield "neither"
    if declared.low is not None:
        yield declared.low - 1
    if declared.high is not None:
        yield declared.high + 1
    if declared.above is not None:
        yield declared.above
    if declared.kind is float and declared.valid:
        yield float("nan")


def parsed(declared: Setting, given: list[str]) -> Any:
    """The arguments of a command that has the setting's flag: of a drawing, or of a server."""
    return parse(["serve", *given])[1] if declared.group in SERVER_ONLY else parse_draw(["an owl", *given])


def arguments(declared: Setting, value: Any) -> list[str]:
    """The flag that gives the value."""
    if declared.kind is bool:
        return [declared.flag]
    values = value if declared.kind is tuple else [value]
    return [f"{declared.flag}={one}" for one in values]


def from_flag(declared: Setting, value: Any) -> Settings:
    return load_settings(settings_of(parsed(declared, arguments(declared, value))), environ={})


def from_variable(declared: Setting, value: Any) -> Settings:
    text = declared.separator.join(value) if declared.kind is tuple else str(value)
    return load_settings(environ={declared.variable: text})


def from_file(declared: Setting, value: Any, folder: Path) -> Settings:
    file = folder / "settings.toml"
    written = json.dumps(value) if not isinstance(value, float) else repr(value)
    file.write_text(f"{declared.name} = {written}\n", encoding="utf-8")
    return load_settings(environ={}, file=file)


@every_field
def test_every_field_is_explained_in_one_sentence(declared: Setting) -> None:
    assert declared.help
    assert "\n" not in declared.help
    assert not declared.help.endswith(".")
    assert declared.details == "" or declared.details.endswith(".")
    assert declared.group in GROUPS
    declared.check(declared.default)


def test_only_these_are_for_programs_alone() -> None:
    assert set(ALL) - set(SETTINGS) == {"approve", "origins", "cancel"}


@every_setting
def test_flag_in_the_help(declared: Setting) -> None:
    parser = draw_parser()
    if declared.group in SERVER_ONLY:  # which drawing has nothing to do with
        add_serve(parser := Parser())
    help_text = " ".join(parser.format_help().split())
    assert re.search(rf" {declared.flag} ", help_text)
    # A line may break after a hyphen.
    assert "".join(declared.help.split()) in "".join(help_text.split())
    assert "".join(declared.valid.split()) in "".join(help_text.split())


@every_setting
def test_flag_variable_and_file_give_the_same(declared: Setting, tmp_path: Path) -> None:
    value = valid_value(declared)
    expected = replace(Settings(), **{declared.name: value})
    assert expected != Settings()
    assert from_flag(declared, value) == expected
    assert from_variable(declared, value) == expected
    assert from_file(declared, value, tmp_path) == expected
    assert type(getattr(from_variable(declared, value), declared.name)) is type(value)


@every_setting
def test_flag_before_variable_before_file(declared: Setting, tmp_path: Path) -> None:
    value, default = valid_value(declared), declared.default
    file = tmp_path / "settings.toml"
    file.write_text(f"{declared.name} = {json.dumps(value)}\n", encoding="utf-8")
    other = next((one for one in declared.choices if one not in (value, default)), None)
    if declared.kind is str and (other or not declared.choices):
        other = other or {"size": "64x64", "aspect": "1:1"}.get(declared.name, "other")
        settings = load_settings(environ={declared.variable: other}, file=file)
        assert getattr(settings, declared.name) == other
    flags = settings_of(parsed(declared, arguments(declared, value)))
    settings = load_settings(flags, environ={declared.variable: str(default)} if default else {}, file=file)
    assert getattr(settings, declared.name) == value


@pytest.mark.parametrize(
    ("declared", "value"),
    [pytest.param(one, value, id=f"{one.name} {value}") for one in DECLARED.values() for value in invalid_values(one)],
)
def test_out_of_range(declared: Setting, value: Any, tmp_path: Path) -> None:
    for make in (
        lambda: replace(Settings(), **{declared.name: value}),
        lambda: from_flag(declared, value),
        lambda: from_variable(declared, value),
        lambda: from_file(declared, value, tmp_path),
    ):
        with pytest.raises(UserError) as caught:
            make()
        said = str(caught.value)
        assert declared.flag in said
        assert declared.valid in said
        assert re.search(rf"{declared.name} {re.escape(repr(value))}|{value!r}", said)
        assert "\n" not in said


@every_setting
def test_wrong_type(declared: Setting, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(f"{declared.name} = {'5' if declared.kind is tuple else '{ a = 1 }'}\n", encoding="utf-8")
    with pytest.raises(UserError, match=rf"^{declared.name} in .*; it must be "):
        load_settings(environ={}, file=wrong)
    if declared.kind in (int, float, bool):
        with pytest.raises(UserError, match=rf"^{declared.variable} is 'many'; it must be "):
            load_settings(environ={declared.variable: "many"})


@pytest.mark.parametrize("written", ["2.5", "true", "inf", "nan"])
def test_a_file_has_whole_numbers_where_they_are_wanted(written: str, tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f"n = {written}\n", encoding="utf-8")
    with pytest.raises(UserError, match="it must be a whole number"):
        load_settings(environ={}, file=file)


def test_a_file_of_thousands_of_levels_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("seed = " + "[" * 5_000, encoding="utf-8")
    with pytest.raises(UserError, match=r"can't be read .*leave --config out"):
        load_settings(environ={}, file=file)


def test_unknown_name_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("approve = true\n", encoding="utf-8")
    with pytest.raises(UserError, match="unknown name 'approve'; valid: profile, generator, "):
        load_settings(environ={}, file=file)


@pytest.mark.parametrize(
    "declared", [one for one in DECLARED.values() if one.reserved], ids=lambda declared: declared.name
)
def test_clients_of_a_server_cannot_choose_what_is_reserved(declared: Setting) -> None:
    value = valid_value(declared)
    with pytest.raises(UserError, match=rf"^{declared.name} .*; leave it out$"):
        without_server_paths(replace(Settings(), **{declared.name: value}), {})
    text = declared.separator.join(value) if declared.kind is tuple else value
    same = without_server_paths(replace(Settings(), **{declared.name: value}), {declared.variable: text})
    assert getattr(same, declared.name) == value


def test_what_is_reserved() -> None:
    reserved = {name for name, declared in DECLARED.items() if declared.reserved}
    assert reserved == {
        *(
            "profile",
            "generator",
            "vlm",
            "critic",
            "device",
            "dtype",
            "memory",
            "vlm_memory",
            "library",
            "lookup_model",
        ),
        *("subject", "home", "out", "file_name", "chroma", "record", "mcp_server", "mcp_allow", "lora"),
        *(
            "keep_days",
            "fast",
            "offer",
            "mask",
            "c2pa_cert",
            "c2pa_key",
            "licences",
            "offline",
            "facts",
            "sensitive_results",
        ),
    }


def test_json_schema_of_the_graph() -> None:
    fields = build_graph().get_context_jsonschema()["properties"]
    assert list(fields) == list(ALL)
    for name, declared in ALL.items():
        assert fields[name]["description"].startswith(declared.help[1:20], 1)
        assert fields[name].get("enum", []) == list(declared.choices)
        assert (fields[name].get("minimum"), fields[name].get("maximum")) == (declared.low, declared.high)
    assert "type" not in fields["cancel"]


def test_documentation_is_of_these_declarations() -> None:
    written = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written == page(), "run: python -m docs.settings_table > docs/settings.md"


def test_example_in_the_documentation(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", page(), re.DOTALL)
    file = tmp_path / "settings.toml"
    file.write_text(example, encoding="utf-8")
    settings = load_settings(environ={}, file=file)
    given = {name: tuple(value) if isinstance(value, list) else value for name, value in tomllib.loads(example).items()}
    assert {name: getattr(settings, name) for name in given} == given


def test_the_setting_is_a_variable_too() -> None:
    assert load_settings(environ={"IMAGERAG_VLM_TEXT_ONLY": "1"}).vlm_text_only
    assert not load_settings(environ={"IMAGERAG_VLM_TEXT_ONLY": "false"}).vlm_text_only
    with pytest.raises(UserError, match="IMAGERAG_VLM_TEXT_ONLY is 'maybe'; it must be one of true"):
        load_settings(environ={"IMAGERAG_VLM_TEXT_ONLY": "maybe"})


@pytest.mark.parametrize("name", ["library", "mcp_server"])
def test_what_is_named_twice_counts_once(name: str) -> None:
    given: dict[str, Any] = {name: ("own", "bundled", "own")}
    assert getattr(Settings(**given), name) == ("own", "bundled")


NUMBERS = [declared for declared in DECLARED.values() if declared.kind is float]


@pytest.mark.parametrize("declared", NUMBERS, ids=lambda declared: declared.name)
@pytest.mark.parametrize("text", ["inf", "-inf", "nan", "1e999", "infinity"])
def test_what_is_no_finite_number_is_refused_by_every_way_in(declared: Setting, text: str, tmp_path: Path) -> None:
    told = f"^{declared.name} -?(inf|nan) is no finite number; leave it out, or give {declared.flag} a number"
    with pytest.raises(UserError, match=told):
        load_settings({declared.name: float(text)}, environ={})
    with pytest.raises(UserError, match=told):
        load_settings(environ={declared.variable: text})
    file = tmp_path / "settings.toml"
    file.write_text(f"{declared.name} = {text if text != 'infinity' else 'inf'}\n", encoding="utf-8")
    with pytest.raises(UserError, match=told):
        load_settings(environ={}, file=file)


def test_a_whole_number_that_no_float_holds_is_refused_as_well() -> None:
    with pytest.raises(UserError, match=r"max_seconds 1000.* is no finite number"):
        Settings(max_seconds=10**400)
    assert Settings(max_tokens=10**400).max_tokens == 10**400
