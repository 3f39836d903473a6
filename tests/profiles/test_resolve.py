"""From the settings asked for to those of a run."""

import itertools
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from imagerag import plugins
from imagerag.chat_models.providers import KEYS
from imagerag.errors import UserError
from imagerag.generators.base import GeneratorPlugin
from imagerag.generators.diffusion.presets import load_presets
from imagerag.generators.registry import GENERATORS as GENERATORS_BY_NAME
from imagerag.generators.registry import IMAGES_APIS, PREFIXES, fitting_profile
from imagerag.generators.registry import PROFILES as FITTING
from imagerag.profiles.loading import PROFILES, find_profile
from imagerag.profiles.resolve import Given, RunSettings, resolve, resolve_lookup
from imagerag.profiles.soundness import unsound_parts
from imagerag.remote_models import providers
from imagerag.settings import Settings, load_settings
from testing.machines import machine, run_on

GENERATORS = ("patchwork", "sdxl", "flux2-klein", "diffusers:some/model", "openai:x@http://127.0.0.1:1/v1",
              "comfyui:http://127.0.0.1:1")  # fmt: skip
CRITICS = ("clip", "clip:embedded", "clip:ViT-B-32:laion2b_s34b_b79k", "openai:gpt-6.1-sol")
LIBRARIES = (("bundled",), ("own",), ("bundled", "own"))


KEY_NAMES = {*KEYS.values(), *(key for provider in providers().values() for key in provider.keys)}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in KEY_NAMES:
        monkeypatch.delenv(key, raising=False)


def parts(settings: RunSettings) -> tuple[str, str, str, tuple[str, ...]]:
    return settings.profile, settings.generator, settings.critic, settings.library


def is_unsound(settings: RunSettings) -> bool:
    return bool(
        unsound_parts(settings.makes, settings.critic, settings.library, settings.lookup_models, settings.rerank)
    )


def test_what_nobody_names_is_the_pictogram_world() -> None:
    settings = resolve(Settings())
    assert parts(settings) == ("pictograms", "patchwork", "clip", ("bundled", "own"))
    assert (settings.vlm, settings.max_steps, settings.max_generations, settings.max_seconds) == ("rules", 24, 5, 120)
    assert settings.notes == ()


@pytest.mark.parametrize(
    "name", [*load_presets({}), "diffusers:some/model", "openai:x@http://h/v1", "comfyui:http://h"]
)
def test_choosing_a_generator_alone_moves_the_other_defaults(name: str) -> None:
    settings = resolve(Settings(generator=name))
    assert settings.profile in ("local", "cloud", "comfyui")
    assert not is_unsound(settings)
    assert settings.critic == f"clip:{settings.lookup_model}"
    assert settings.max_seconds > 120
    assert settings.notes == ()


def test_no_combination_is_unsound_in_silence() -> None:
    """Over all pairs of generator, critic and library, named and left open, in flags and in files."""
    for generator in (None, *GENERATORS):
        for critic in (None, *CRITICS):
            for library in (None, *LIBRARIES):
                for profile in (None, "pictograms", "local", "comfyui"):
                    asked = Settings(generator=generator, critic=critic, library=library, profile=profile)
                    try:
                        settings = resolve(asked)
                    except UserError:
                        continue
                    told = " ".join(settings.notes)
                    amiss = settings.makes == "pictograms" and settings.profile != "pictograms"
                    assert bool(settings.notes) == (is_unsound(settings) or amiss), asked
                    assert not is_unsound(settings) or "draws photographs" in told


@pytest.mark.slow
def test_no_look_up_model_rerank_or_named_library_is_unsound_in_silence() -> None:
    clip = "ViT-B-32:laion2b_s34b_b79k"
    for generator, critic, library, model, rerank in itertools.product(
        (None, "patchwork", "sdxl"),
        (None, "clip", f"clip:{clip}", "openai:gpt-6.1-sol"),
        (None, ("photos",), ("photos", "bundled")),
        (None, "embedded", clip, f"{clip},embedded"),
        ("none", "subject"),
    ):
        asked = Settings(generator=generator, critic=critic, library=library, lookup_model=model, rerank=rerank)
        try:
            settings = resolve(asked)
        except UserError:
            continue
        told = any("draws photographs" in note for note in settings.notes)
        models, drawn = settings.lookup_models, settings.makes != "pictograms"
        unsound = settings.critic == "clip" or "bundled" in settings.library
        unsound |= "embedded" in models and (settings.library != ("bundled",) or rerank == "subject")
        assert told == (drawn and unsound), asked


def test_an_unsound_part_that_the_profile_sets_is_refused_with_the_line_to_type() -> None:
    with pytest.raises(UserError, match=r"profile 'pictograms' sets them: name another with --profile local"):
        resolve(Settings(profile="pictograms", generator="sdxl"))


def test_an_unsound_part_that_is_asked_for_by_name_is_used_and_told() -> None:
    settings = resolve(Settings(generator="sdxl", critic="clip"))
    assert settings.critic == "clip"
    (note,) = settings.notes
    assert "critic 'clip' judges pictograms" in note


def test_several_unsound_parts_are_one_note() -> None:
    (note,) = resolve(Settings(generator="sdxl", critic="clip", library=("bundled",))).notes
    assert note.startswith("generator 'sdxl' draws photographs, but critic 'clip' judges pictograms")
    assert "(used since the program names it), and library 'bundled' would put pictograms" in note


def test_a_variable_meant_for_pictograms_does_not_judge_photographs(tmp_path: Path) -> None:
    asked = load_settings({"generator": "sdxl"}, {"IMAGERAG_CRITIC": "clip"})
    with pytest.raises(UserError, match=r"variable IMAGERAG_CRITIC sets it: unset that, or insist with --critic clip"):
        resolve(asked)
    both = load_settings({}, {"IMAGERAG_CRITIC": "clip", "IMAGERAG_GENERATOR": "sdxl"})
    assert len(resolve(both).notes) == 1


@pytest.mark.parametrize(
    ("variable", "value"), [("LIBRARY", "bundled"), ("CRITIC", "clip"), ("LOOKUP_MODEL", "embedded")]
)
def test_a_variable_meant_for_pictograms_has_no_part_in_a_photographic_profile(
    tmp_path: Path, variable: str, value: str
) -> None:
    """A profile that is named chooses the generator: what was set before that was not set for it."""
    environ = {f"IMAGERAG_{variable}": value}
    with pytest.raises(UserError, match=f"variable IMAGERAG_{variable} sets it: unset that, or insist with --"):
        resolve(load_settings({"profile": "comfyui"}, environ))
    file = tmp_path / "settings.toml"
    file.write_text('profile = "comfyui"\n')
    assert resolve(load_settings({"library": ("bundled",)}, {}, file)).notes, "a flag behind a file is asked for"
    file.write_text('library = ["bundled"]\n')
    asked = load_settings({}, {"IMAGERAG_PROFILE": "comfyui"}, file)
    with pytest.raises(UserError, match="insist with --"):
        resolve(asked)


def test_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = tmp_path / "profiles.toml"
    profiles.write_text('[mine]\nlike = "pictograms"\nmax_steps = 5\n[yours]\nlike = "pictograms"\nmax_steps = 6\n')
    monkeypatch.setenv(PROFILES, str(profiles))
    file = tmp_path / "settings.toml"
    file.write_text("max_steps = 7\n")

    def steps(
        flags: dict[str, object], environ: dict[str, str], with_file: bool, thread: str | None
    ) -> tuple[int, str]:
        settings = resolve(load_settings(flags, environ, file if with_file else None), thread)
        return settings.max_steps, dict(settings.origins)["max_steps"]

    named = {"profile": "mine"}
    variable = {"IMAGERAG_MAX_STEPS": "8"}
    assert steps({**named, "max_steps": 9}, variable, True, "yours") == (9, "flag --max-steps")
    assert steps(named, variable, True, "yours") == (8, "variable IMAGERAG_MAX_STEPS")
    assert steps(named, {}, True, "yours") == (7, f"settings file {str(file)!r}")
    assert steps(named, {}, False, "yours") == (6, "profile 'yours'")
    assert steps(named, {}, False, None) == (5, "profile 'mine'")
    assert steps({}, {}, False, None) == (24, "profile 'pictograms'")


def test_a_thread_goes_on_with_its_own_profile_and_says_so() -> None:
    assert resolve(Settings(), "comfyui").generator.startswith("comfyui:")
    settings = resolve(Settings(profile="pictograms"), "comfyui")
    assert settings.profile == "comfyui"
    assert "its own profile 'comfyui', not 'pictograms'" in " ".join(settings.notes)


def test_a_generator_that_does_not_go_with_the_thread_s_profile_moves_the_other_parts() -> None:
    settings = resolve(Settings(generator="sdxl"), "pictograms")
    assert parts(settings)[:3] == ("local", "sdxl", "clip:ViT-B-16-SigLIP2:webli")
    assert "does not go with profile 'pictograms'" in " ".join(settings.notes)


def test_a_profile_that_is_gone_is_told() -> None:
    settings = resolve(Settings(), "gone")
    assert settings.profile == "pictograms"
    assert "'gone'" in settings.notes[0]


def test_the_vlm_judges_where_the_profile_says_so() -> None:
    settings = resolve(Settings(generator="sdxl", vlm="openai:gpt-6.1-sol"))
    assert (settings.critic, settings.clip_critic) == ("openai:gpt-6.1-sol", "clip:ViT-B-16-SigLIP2:webli")
    assert resolve(Settings(generator="sdxl", vlm="openai:x", vlm_text_only=True)).critic == settings.clip_critic


def test_a_program_s_own_parts_are_not_doubted() -> None:
    given = Given(frozenset({"generator", "critic", "library"}), "photographs", "local", "photographer")
    settings = resolve(Settings(), given=given)
    assert (settings.profile, settings.makes, settings.notes) == ("local", "photographs", ())


def test_a_program_s_generator_that_says_nothing_of_its_images_is_told() -> None:
    given = Given(frozenset({"generator"}), None, None, "mystery")
    assert "'mystery' does not say what its images look like" in resolve(Settings(), given=given).notes[0]
    everything = replace(given, parts=frozenset({"generator", "critic", "library"}))
    assert resolve(Settings(), given=everything).notes == ()


def test_settings_that_are_filled_in_stay_as_they_are() -> None:
    settings = resolve(Settings())
    assert resolve(settings) is settings


def test_a_look_up_needs_no_key() -> None:
    assert resolve_lookup(Settings(profile="cloud")) == (("own",), ("ViT-B-16-SigLIP2:webli",))
    assert resolve_lookup(Settings(lookup_model="a:b,c:d")) == (("bundled", "own"), ("a:b", "c:d"))


def origin_of_profile(thread: str | None = None, **given: str) -> tuple[str, str]:
    flags = tuple((name, f"flag --{name}") for name in given)
    settings = resolve(Settings(**given, origins=flags), thread)  # type: ignore[arg-type]
    return settings.profile, dict(settings.origins)["profile"]


def test_where_the_profile_comes_from_is_told_of_the_one_that_is_taken() -> None:
    assert origin_of_profile() == ("pictograms", "default")
    assert origin_of_profile(profile="local") == ("local", "flag --profile")
    assert origin_of_profile(generator="sdxl") == ("local", "it fits the generator")
    assert origin_of_profile("pictograms") == ("pictograms", "the thread")
    assert origin_of_profile("pictograms", profile="local") == ("pictograms", "the thread")
    assert origin_of_profile("pictograms", generator="sdxl", profile="pictograms") == ("local", "it fits the generator")


def test_where_the_threads_own_profile_does_not_fit_the_one_named_is_next() -> None:
    settings = resolve(Settings(generator="sdxl", profile="comfyui"), "pictograms")
    assert settings.profile == "comfyui"
    assert any("the other parts are those of 'comfyui'" in note for note in settings.notes)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            {"generator": "patchwork", "profile": "local"},
            "'patchwork' draws pictograms, and the other parts are",
        ),
        ({"critic": "vlm"}, "critic 'vlm' is the model that decides, and 'rules' is none that sees; 'clip' judges"),
        ({"library": ("bundled",), "lookup_model": "ViT-B-32:openai"}, "'ViT-B-32:openai' is of no use"),
    ],
)
def test_what_is_named_and_does_not_do_what_it_says_is_noted(given: dict[str, Any], told: str) -> None:
    settings = resolve(Settings(**given))
    assert [note for note in settings.notes if told in note], settings.notes


def test_what_is_named_and_does_what_it_says_needs_no_note() -> None:
    assert resolve(Settings(generator="patchwork", profile="pictograms")).notes == ()
    assert resolve(Settings(critic="vlm", vlm="openai:gpt-6.1-sol")).notes == ()
    assert resolve(Settings(library=("bundled", "own"), lookup_model="ViT-B-32:openai")).notes == ()


def test_a_critic_that_is_the_vlm_is_told_with_the_word_that_was_given() -> None:
    settings = resolve(Settings(critic="vlm", origins=(("critic", "flag --critic"),)))
    assert (settings.critic, dict(settings.origins)["critic"]) == ("clip", "flag --critic (vlm)")


def test_size_and_aspect_come_from_where_the_nearest_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = tmp_path / "profiles.toml"
    profiles.write_text('[wide]\nlike = "pictograms"\naspect = "16:9"\n', encoding="utf-8")
    monkeypatch.setenv(PROFILES, str(profiles))
    file = tmp_path / "settings.toml"
    file.write_text('size = "640x480"\n', encoding="utf-8")

    def given(flags: dict[str, object], environ: dict[str, str], with_file: bool) -> tuple[str, str]:
        settings = resolve(load_settings({"profile": "wide", **flags}, environ, file if with_file else None))
        size = settings.picture_size
        assert size is not None
        return str(size), dict(settings.origins)["size" if size.is_exact else "aspect"]

    assert given({"aspect": "1:1"}, {"IMAGERAG_SIZE": "512x512"}, True) == ("1:1", "flag --aspect")
    assert given({}, {"IMAGERAG_SIZE": "512x512"}, False) == ("512x512", "variable IMAGERAG_SIZE")
    assert given({}, {}, True) == ("640x480", f"settings file {str(file)!r}")
    assert given({}, {}, False) == ("16:9", "profile 'wide'")


def test_a_table_that_is_refused_is_told_in_runs_of_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    profiles = tmp_path / "profiles.toml"
    profiles.write_text('[mine]\nlike = "local"\nmax_steps = 0\n', encoding="utf-8")
    monkeypatch.setenv(PROFILES, str(profiles))
    (note,) = resolve(Settings()).notes
    assert note.startswith(f"profile 'mine' in {str(profiles)!r}: max_steps 0 is outside 1..1000")
    with pytest.raises(UserError, match="max_steps 0 is outside"):
        resolve(Settings(profile="mine"))


def test_what_was_chosen_of_a_ranking_is_told_with_what_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(monkeypatch, machine("cuda", 24))
    settings = resolve(Settings(profile="local"))
    assert settings.chosen.startswith(
        "profile 'local' draws with flux2-klein, driven by Qwen/Qwen3-VL-4B-Instruct: 19.7 GB needed of 24 GB free on"
    )
    assert "better ones: qwen-edit with Qwen3-VL-8B-Instruct beside it needs 61.1 GB" in settings.chosen
    assert settings.memory == "offload"
    assert dict(settings.origins)["memory"].startswith("profile 'local': ")
    assert resolve(Settings(profile="local", generator="sdxl")).chosen == ""


@pytest.mark.parametrize("key", [key for provider in providers().values() for key in provider.keys])
def test_any_key_of_an_images_api_is_enough_and_a_lacking_vlm_is_told(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(key, "k")
    settings = resolve(Settings(profile="cloud"))
    assert key in providers()[settings.generator.partition(":")[0]].keys
    if settings.vlm == "rules":
        assert settings.chosen.startswith("profile 'cloud' has no key of a VLM, so rules decide and 'clip:ViT-B-16")
        for other in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY", "GROQ_API_KEY"):
            assert other in settings.chosen
        monkeypatch.setenv("OPENROUTER_API_KEY", "k")
        settings = resolve(Settings(profile="cloud"))
        assert settings.vlm == settings.critic == "openrouter:qwen/qwen3-vl-8b-instruct"
    assert settings.chosen == ""


PREFIXED = {**dict.fromkeys(IMAGES_APIS, "MODEL"), "comfyui": "http://127.0.0.1:1", "diffusers": "some/model"}


@pytest.mark.parametrize("prefix", [*GENERATORS_BY_NAME, *PREFIXES, *load_presets({})])
def test_every_generator_alone_moves_the_other_defaults_with_it(prefix: str, tmp_path: Path) -> None:
    """Over all there are: embedded, presets, and each prefix."""
    rest = PREFIXED.get(prefix, str(tmp_path / "model.safetensors")) if prefix in PREFIXES else ""
    settings = resolve(Settings(generator=f"{prefix}:{rest}" if rest else prefix))
    fitting = find_profile(fitting_profile(settings.generator))
    assert settings.profile == fitting.name == FITTING.get(prefix, "local")
    assert dict(settings.origins)["profile"] == "it fits the generator"
    assert (settings.library, settings.lookup_model) == (fitting.library, fitting.lookup_model)
    assert (settings.max_seconds, settings.max_loading_seconds) == (fitting.max_seconds, fitting.max_loading_seconds)
    assert not is_unsound(settings)
    assert settings.notes == ()
    if prefix != "patchwork":
        assert settings.critic not in ("clip", "clip:embedded")
        assert "bundled" not in settings.library


PICTOGRAMS, LOCAL, CLOUD, COMFYUI = (
    GeneratorPlugin(lambda what, settings: None, makes=makes, profile=profile)  # type: ignore[arg-type,return-value]
    for makes, profile in (("pictograms", "pictograms"), ("photographs", "local"), ("any", "cloud"), ("any", "comfyui"))
)


@pytest.mark.parametrize("name", ["PICTOGRAMS", "LOCAL", "CLOUD", "COMFYUI"])
@pytest.mark.parametrize("rest", ["", ":something"])
def test_a_generator_of_a_package_moves_them_to_the_profile_that_it_names(
    name: str, rest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = EntryPoint("shot", f"tests.profiles.test_resolve:{name}", "imagerag.generators")
    monkeypatch.setattr(plugins, "entry_points", lambda group: [entry] if group == entry.group else [])
    plugins._entry_points.cache_clear()
    try:
        settings = resolve(Settings(generator=f"shot{rest}"))
    finally:
        plugins._entry_points.cache_clear()
    fitting = find_profile(name.lower())
    assert (settings.profile, settings.library, settings.lookup_model) == (
        name.lower(),
        fitting.library,
        fitting.lookup_model,
    )
    assert settings.max_seconds == fitting.max_seconds
    assert not is_unsound(settings)


def test_a_profile_can_name_encyclopedias_and_a_flag_overrules_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[mine]\nlike = "pictograms"\nfacts = ["wikidata"]\n', encoding="utf-8")
    monkeypatch.setenv(PROFILES, str(file))
    assert resolve(Settings()).facts is None
    assert resolve(Settings(profile="mine")).facts == ("wikidata",)
    assert resolve(Settings(profile="mine", facts=("wikipedia",))).facts == ("wikipedia",)
    file.write_text('[mine]\nlike = "pictograms"\nfacts = ["wikidat"]\n', encoding="utf-8")
    with pytest.raises(UserError, match="facts 'wikidat' is not known"):
        resolve(Settings(profile="mine"))
