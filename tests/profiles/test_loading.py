"""What each profile sets, and what a person's own file may say."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.generators.registry import PROFILES as FITTING
from imagerag.generators.registry import check_generator
from imagerag.profiles.loading import DEFAULT, PROFILES, find_profile, load_profiles


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "profiles.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_every_generator_has_a_profile_that_fits() -> None:
    assert {DEFAULT, *FITTING.values(), "local"} <= set(load_profiles({}))


def test_the_generators_named_are_there() -> None:
    for profile in load_profiles({}).values():
        for parts in (profile, *profile.choices):
            if parts.generator is not None:
                check_generator(parts.generator)


def test_the_bundled_library_is_in_none_but_the_pictogram_profile() -> None:
    with_it = {name for name, profile in load_profiles({}).items() if "bundled" in (profile.library or ())}
    assert with_it == {"pictograms"}


def test_one_of_ones_own_takes_over_what_it_does_not_say(tmp_path: Path) -> None:
    profiles = load_profiles(
        {PROFILES: str(write(tmp_path, '[mine]\nlike = "local"\nmax_seconds = 5\nlibrary = ["birds"]\n'))}
    )
    mine, local = profiles["mine"], profiles["local"]
    assert (mine.max_seconds, mine.library) == (5, ("birds",))
    assert (mine.critic, mine.lookup_model, mine.choices) == (local.critic, local.lookup_model, local.choices)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[mine", "can't be read"),
        ("mine = " + "[" * 5_000, "can't be read"),
        ("mine = 3", "'mine'"),
        ('[mine]\nlike = "lokal"', "'lokal', which is not known; known are: pictograms, local"),
        ('[mine]\nlike = "local"\nmax_second = 3', "max_second 3: Extra inputs are not permitted"),
        ('[mine]\nlike = "local"\nmax_steps = "many"', "max_steps 'many'"),
        ('[mine]\ngenerator = "sdxl"', "names no vlm"),
    ],
)
def test_a_file_that_is_of_no_use_is_refused_with_its_name_and_the_value(tmp_path: Path, text: str, told: str) -> None:
    file = write(tmp_path, text)
    with pytest.raises(UserError) as raised:
        load_profiles({PROFILES: str(file)})
    assert told in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.toml' can't be read .*unset IMAGERAG_PROFILES"):
        load_profiles({PROFILES: str(tmp_path / "nowhere.toml")})
    for place in ("~no-such-user/x.toml", "a\0b"):
        with pytest.raises(UserError, match=r"can't be read .*unset IMAGERAG_PROFILES"):
            load_profiles({PROFILES: place})


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(UserError, match="'lokal' is not known; give --profile one of: pictograms, local, cloud"):
        find_profile("lokal")


def test_what_an_own_profile_sets_counts_over_inherited_choices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[mine]\nlike = "local"\ngenerator = "sdxl"\nvlm = "transformers:my/vlm"\n')
    profile = load_profiles({PROFILES: str(file)})["mine"]
    assert {choice.generator for choice in profile.choices} == {None}
    assert {(choice.vlm, choice.vlm_weights) for choice in profile.choices} == {(None, 0.0)}
    assert (profile.generator, profile.vlm) == ("sdxl", "transformers:my/vlm")
    assert load_profiles({})["local"].choices[0].generator
