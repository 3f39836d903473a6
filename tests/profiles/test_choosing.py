"""Which of a profile's choices is taken."""

from pathlib import Path

import pytest

from imagerag.chat_models.providers import KEYS
from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError
from imagerag.generators.registry import IMAGES_APIS
from imagerag.profiles.choosing import Chosen, choose
from imagerag.profiles.loading import PROFILES, find_profile, load_profiles
from imagerag.remote_models import providers, remote_model
from testing.machines import machine, run_on

AUTO = DeviceSettings()


def chosen(name: str, generator: str | None = None, device: DeviceSettings = AUTO, **environ: str) -> Chosen:
    return choose(load_profiles({})[name], generator, None, device, environ)


def test_of_a_ranking_the_first_that_fits_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(monkeypatch, machine("cuda", 24))
    found = chosen("local")
    assert found.choice is not None
    assert (found.choice.generator, found.memory) == ("flux2-klein", "offload")
    assert found.why == "19.7 GB needed of 24 GB free on cuda, held as by --memory offload"
    assert found.lacking[0].startswith("qwen-edit with Qwen3-VL-8B-Instruct beside it needs 61.1 GB")


def test_where_nothing_of_a_ranking_fits_the_choices_come_next(monkeypatch: pytest.MonkeyPatch) -> None:
    run_on(monkeypatch, machine("cuda", 2))
    found = chosen("local")
    assert found.choice is not None
    assert (found.choice.generator, found.choice.vlm, found.memory) == ("sd15", "rules", None)
    assert any("needs" in text and "2 GB free" in text for text in found.lacking)


@pytest.mark.parametrize(("gigabytes", "memory"), [(40, "full"), (30, "offload"), (20, "")])
def test_a_choice_of_ones_own_is_possible_where_its_models_fit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gigabytes: int, memory: str
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        '[mine]\nlike = "comfyui"\n[[mine.choices]]\ngpu = true\ngenerator = "flux2-klein"\n'
        'vlm = "transformers:my/vlm"\nvlm_weights = 9\n[[mine.choices]]\ngenerator = "sd15"\nvlm = "rules"\n'
    )
    profile = load_profiles({PROFILES: str(file)})["mine"]
    run_on(monkeypatch, machine("cuda", gigabytes))
    found = choose(profile, None, None, AUTO, {})
    assert found.choice is not None
    if memory:
        assert (found.choice.generator, found.memory) == ("flux2-klein", memory)
    else:
        assert found.choice.generator == "sd15"
        assert "flux2-klein with vlm beside it needs 28.8 GB, 20 GB free on cuda" in found.lacking
    run_on(monkeypatch, machine("cpu", gigabytes))
    assert choose(profile, None, None, AUTO, {}).lacking == ("no GPU",)


def test_the_key_that_is_set_chooses_the_provider() -> None:
    found = chosen("cloud", OPENAI_API_KEY="k", ANTHROPIC_API_KEY="k")
    assert found.choice is not None
    assert found.choice.generator == "openai:gpt-image-2"
    found = chosen("cloud", "openai:x@http://127.0.0.1:1/v1", ANTHROPIC_API_KEY="k")
    assert found.choice is not None
    assert str(found.choice.vlm).startswith("anthropic:")
    assert "OPENAI_API_KEY not set" in found.lacking


@pytest.mark.parametrize("prefix", IMAGES_APIS)
def test_every_images_api_is_chosen_by_each_of_its_keys(prefix: str) -> None:
    for key in providers()[prefix].keys:
        found = chosen("cloud", **{key: "k"})
        assert found.choice is not None
        assert str(found.choice.generator).startswith(prefix + ":")
        assert remote_model(str(found.choice.generator)) is not None
        found = chosen("cloud", **{key: "k", "ANTHROPIC_API_KEY": "k"})
        assert found.choice is not None
        assert str(found.choice.generator).startswith(prefix + ":")
        assert found.choice.vlm != "rules", "a chat model is there"


def test_a_generator_that_is_named_needs_no_key_of_a_vlm() -> None:
    found = chosen("cloud", "openai:x@http://127.0.0.1:1/v1")
    assert found.choice is not None
    assert found.choice.vlm == "rules"


def test_a_provider_that_draws_nothing_is_told_as_what_needs_a_generator() -> None:
    with pytest.raises(UserError, match="no --generator named beside ANTHROPIC_API_KEY, which draws nothing"):
        chosen("cloud", ANTHROPIC_API_KEY="k")


@pytest.mark.parametrize("key", find_profile("cloud").vlm_by_key)
def test_whoever_can_decide_does_so_beside_a_maker_of_images_alone(key: str) -> None:
    model = find_profile("cloud").vlm_by_key[key]
    assert remote_model(model) is not None
    assert KEYS[model.partition(":")[0]] == key
    found = chosen("cloud", **{key: "k", "FAL_KEY": "k"})
    assert found.choice is not None
    assert (found.choice.generator, found.choice.vlm) == ("fal:fal-ai/flux-2-pro", model)
    assert f"{key} set" in found.why
    found = chosen("cloud", "openai:x@http://127.0.0.1:1/v1", **{key: "k"})
    assert found.choice is not None
    assert found.choice.vlm == model
    if key in {each for provider in providers().values() for each in provider.keys}:
        found = chosen("cloud", **{key: "k"})
        assert found.choice is not None
        assert found.choice.vlm == model
        return
    with pytest.raises(UserError, match=f"no --generator named beside {key}, which draws nothing"):
        chosen("cloud", **{key: "k"})


def test_where_nothing_is_possible_all_that_lacks_is_named() -> None:
    with pytest.raises(UserError) as raised:
        chosen("cloud")
    for key in ("OPENAI_API_KEY", "GEMINI_API_KEY", "STABILITY_API_KEY", *find_profile("cloud").vlm_by_key):
        assert str(raised.value).count(key) == 1
    assert "imagerag doctor --profile cloud" in str(raised.value)


def test_a_profile_without_choices_has_nothing_to_choose() -> None:
    assert chosen("pictograms") == Chosen()
