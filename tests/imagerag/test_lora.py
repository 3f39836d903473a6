"""LoRA weights as people name them."""

import pytest

from imagerag.errors import UserError
from imagerag.lora import LoraName
from imagerag.settings import Settings, load_settings, without_server_paths


@pytest.mark.parametrize(
    ("text", "where", "weight"),
    [
        ("style.safetensors", "style.safetensors", 1.0),
        ("style.safetensors:0.8", "style.safetensors", 0.8),
        ("owner/name:-1.5", "owner/name", -1.5),
        ("owner/name/file.safetensors", "owner/name/file.safetensors", 1.0),
        ("C:\\loras\\style.safetensors", "C:\\loras\\style.safetensors", 1.0),
        ("a:b:.5", "a:b", 0.5),
    ],
)
def test_a_name_may_have_a_weight_behind_it(text: str, where: str, weight: float) -> None:
    assert LoraName.parse(text) == LoraName(where, weight)
    assert LoraName.parse(str(LoraName(where, weight))) == LoraName(where, weight)


@pytest.mark.parametrize(("text", "told"), [(":0.8", "names none"), ("a:11", "outside -10..10"), ("", "names none")])
def test_what_is_none_is_refused_in_one_line(text: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        Settings(lora=(text,))


def test_several_are_given_by_repeating_the_flag_or_by_commas() -> None:
    assert load_settings({"lora": ("a:0.5", "b")}, environ={}).lora == ("a:0.5", "b")
    assert load_settings(environ={"IMAGERAG_LORA": "a:0.5, b"}).lora == ("a:0.5", "b")


def test_a_server_s_clients_choose_none() -> None:
    with pytest.raises(UserError, match=r"lora .* is chosen by whoever runs this server"):
        without_server_paths(Settings(lora=("a",)), {})
    assert without_server_paths(Settings(), {"IMAGERAG_LORA": "a"}).lora == ("a",)
