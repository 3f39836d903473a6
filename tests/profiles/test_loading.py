"""What each profile sets, and what a person's own file may say."""

import re
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.generators.registry import PROFILES as FITTING
from imagerag.generators.registry import check_generator
from imagerag.profiles.loading import DEFAULT, PROFILES, find_profile, load_profiles, read_profiles


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
        ("mine = 3", "'mine'"),
        ('[mine]\nlike = "lokal"', "'lokal', which is not known; known are: pictograms, local"),
        ('[mine]\nlike = "local"\nmax_second = 3', "'max_second' is no key (did you mean 'max_seconds'?)"),
        ('[mine]\nlik = "local"', "'lik' is no key (did you mean 'like'?)"),
        ('[mine]\nlike = "local"\nname = "x"', "'name' is no key (valid: like, generator, "),
        (
            '[mine]\nlike = "cloud"\n[[mine.choices]]\nvlm = "rules"\n[[mine.choices]]\ngeneratr = "sdxl"',
            "'generatr' of choices.2 is no key (did you mean 'generator'?)",
        ),
        (
            '[mine]\nlike = "local"\n[[mine.ranking]]\ngenerator = "sdxl"\nif_her = true',
            "'if_her' of ranking.1 is no key (did you mean 'if_here'?)",
        ),
        ('[mine]\nlike = "local"\nmax_steps = "many"', "max_steps 'many'"),
        ('[mine]\ngenerator = "sdxl"', "names no vlm"),
        ('[mine]\nlike = "local"\nmax_seconds = inf', "max_seconds inf: Input should be a finite number"),
        ('[mine]\nlike = "local"\nmax_seconds = -1', "max_seconds -1.0 must be above 0"),
        ('[mine]\nlike = "local"\nmax_money = nan', "max_money nan"),
        ('[mine]\nlike = "local"\nimage_size = 3', "image_size 3 is outside 16..8192"),
        ('[mine]\nlike = "local"\nsize = "big"', "size 'big' is not WIDTHxHEIGHT"),
        ('[mine]\nlike = "local"\nsize = "64x64"\naspect = "1:1"', "size '64x64' has an aspect ratio of its own"),
        ('[mine]\nlike = ["local"]', "is like ['local'], which is not known"),
        ('[[mine]]\nlike = "local"', "'mine'"),
        ('[mine]\nlike = "comfyui"\n[[mine.choices]]\nmax_steps = 0', "max_steps 0 is outside 1..1000"),
    ],
)
def test_a_table_that_is_of_no_use_is_refused_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    """With the file's name and the value; the other tables go on, on whichever side of it they stand."""
    file = write(tmp_path, f'before = {{ like = "local" }}\n{text}\n[after]\nlike = "pictograms"\nmax_steps = 3\n')
    found = read_profiles({PROFILES: str(file)})
    assert set(found.refused) == {"mine"}
    assert told in found.refused["mine"]
    assert str(file) in found.refused["mine"]
    assert {"pictograms", "local", "cloud", "comfyui", "before", "after"} == set(found.profiles)
    monkeypatch.setenv(PROFILES, str(file))
    assert find_profile("after").max_steps == 3
    with pytest.raises(UserError) as raised:
        find_profile("mine")
    assert told in str(raised.value)


def test_what_is_like_a_refused_one_is_refused_too_and_its_namesake_does_not_stand_in(tmp_path: Path) -> None:
    file = write(tmp_path, '[local]\nlike = "local"\nmax_steps = 0\n[mine]\nlike = "local"\n')
    found = read_profiles({PROFILES: str(file)})
    assert set(found.refused) == {"local", "mine"}
    assert "is like 'local', which is refused itself" in found.refused["mine"]
    assert set(found.profiles) == {"pictograms", "cloud", "comfyui"}


RING = "profiles in .* are like each other in a ring: "


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '[a]\nlike = "b"\n[b]\nlike = "c"\n[c]\nlike = "a"\n',
            {
                "a": f"{RING}'a' is like 'b', which is like 'c', which is like 'a'; let one",
                "b": f"{RING}'b' is like 'c', which is like 'a', which is like 'b'; let one",
                "c": f"{RING}'c' is like 'a', which is like 'b', which is like 'c'; let one",
            },
        ),
        ('[a]\nlike = "a"\n', {"a": f"{RING}'a' is like 'a'; let one"}),
        (
            '[a]\nlike = "b"\n[b]\nlike = "b"\n',
            {"a": f"{RING}'b' is like 'b'; let one", "b": f"{RING}'b' is like 'b'; let one"},
        ),
        ('[a]\nlike = "b"\n[b]\nlike = "local"\n', {"a": "is like 'b', which stands below it; move that one up"}),
        ('[a]\nlike = "local"\n[local]\nlike = "a"\n', {}),
    ],
)
def test_tables_that_are_like_each_other_are_told_by_their_names(
    tmp_path: Path, text: str, told: dict[str, str]
) -> None:
    found = read_profiles({PROFILES: str(write(tmp_path, text))})
    assert set(found.refused) == set(told)
    for name, words in told.items():
        assert re.search(words, found.refused[name]), found.refused[name]


@pytest.mark.parametrize(
    "key", ["like", "max_steps", "generator", "library", "choices", "size", "vlm_by_key", "makes", "nobodys"]
)
def test_a_huge_value_is_told_by_its_beginning(key: str, tmp_path: Path) -> None:
    for value in ("[" + '[[{ a = "xyz" }]],' * 20_000 + "]", '"' + "x" * 300_000 + '"'):
        like = "" if key == "like" else 'like = "local"\n'
        refused = read_profiles({PROFILES: str(write(tmp_path, f"[mine]\n{like}{key} = {value}\n"))}).refused
        if refused or key not in ("generator", "vlm_by_key"):  # whose names may be anything
            assert 50 < len(refused["mine"]) < 1500, refused["mine"][:2000]


@pytest.mark.parametrize("text", ["[mine", "mine = " + "[" * 5_000])
def test_a_file_that_is_no_toml_is_refused_whole(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="can't be read"):
        load_profiles({PROFILES: str(write(tmp_path, text))})


def test_the_size_of_images(tmp_path: Path) -> None:
    wide = '[wide]\nlike = "local"\naspect = "16:9"\n'
    file = write(tmp_path, f'{wide}[square]\nlike = "wide"\nsize = "512x512"\n[more]\nlike = "wide"\n')
    profiles = load_profiles({PROFILES: str(file)})
    assert (profiles["wide"].size, profiles["wide"].aspect) == (None, "16:9")
    assert (profiles["square"].size, profiles["square"].aspect) == ("512x512", None)
    assert profiles["more"].aspect == "16:9"


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
    assert (profile.ranking, profile.vlms) == ((), ())
    assert (profile.generator, profile.vlm) == ("sdxl", "transformers:my/vlm")
    assert load_profiles({})["local"].choices[0].generator
