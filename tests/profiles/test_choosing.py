"""Which of a profile's choices is taken."""

import pytest

from imagerag.chat_models.providers import KEYS
from imagerag.device_settings import DeviceSettings
from imagerag.errors import UserError
from imagerag.generators.registry import IMAGES_APIS
from imagerag.profiles import choosing
from imagerag.profiles.choosing import Chosen, choose
from imagerag.profiles.loading import find_profile, load_profiles
from imagerag.remote_models import providers, remote_model

AUTO = DeviceSettings()


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> object:
    """Give the machine a GPU with so many gigabytes free, in a number format of two bytes."""

    def free(gigabytes: float) -> None:
        monkeypatch.setattr(choosing, "gpu_memory", lambda device: (int(gigabytes * 1e9), 2, "cuda"))

    return free


def chosen(name: str, generator: str | None = None, device: DeviceSettings = AUTO, **environ: str) -> Chosen:
    return choose(load_profiles({})[name], generator, None, device, environ)


@pytest.mark.parametrize(
    ("gigabytes", "generator", "vlm", "memory"),
    [
        (80, "flux2-klein", "8B", "full"),
        (32, "flux2-klein", "8B", "offload"),
        (24, "flux2-klein", "4B", "offload"),
        (16, "flux2-klein", "2B", "offload"),
        (13, "sdxl", "2B", "offload"),
        (8.5, "sd15", "2B", "offload"),
    ],
)
def test_the_best_pair_that_fits_into_the_free_memory(
    gpu: object, gigabytes: float, generator: str, vlm: str, memory: str
) -> None:
    gpu(gigabytes)  # type: ignore[operator]
    found = chosen("local")
    assert found.choice is not None
    assert (found.choice.generator, found.choice.vlm) == (generator, f"transformers:Qwen/Qwen3-VL-{vlm}-Instruct")
    assert found.memory == memory
    assert f"{gigabytes:.0f} GB free on cuda" in found.why


def test_a_gpu_too_small_for_a_vlm_and_a_machine_without_one_are_driven_by_rules(gpu: object) -> None:
    gpu(4)  # type: ignore[operator]
    found = chosen("local")
    assert found.choice is not None
    assert (found.choice.generator, found.choice.vlm, found.memory) == ("sd15", "rules", None)
    assert any("needs" in text and "4 GB free" in text for text in found.lacking)


def test_the_vlm_fits_beside_the_generator_that_the_person_names(gpu: object) -> None:
    gpu(61)  # type: ignore[operator]
    found = chosen("local", "qwen-edit")
    assert found.choice is not None
    assert found.choice.vlm == "transformers:Qwen/Qwen3-VL-8B-Instruct"
    gpu(50)  # type: ignore[operator]
    found = chosen("local", "qwen-edit")
    assert found.choice is not None
    assert found.choice.vlm == "transformers:Qwen/Qwen3-VL-2B-Instruct"


def test_memory_that_the_person_names_is_kept(gpu: object) -> None:
    gpu(24)  # type: ignore[operator]
    assert chosen("local", device=DeviceSettings(memory="sequential")).memory == "sequential"
    found = chosen("local", device=DeviceSettings(memory="full"))
    assert found.memory == "full"
    assert found.choice is not None
    assert found.choice.vlm == "transformers:Qwen/Qwen3-VL-2B-Instruct"


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
