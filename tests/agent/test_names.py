"""Which names drivers and critics can have; the messages are in ``tests/profiles/test_names.py``."""

import pytest

from imagerag.agent.names import check_critic_name, check_vlm_name
from imagerag.errors import UserError


@pytest.mark.parametrize("name", ["rules", "openai:gpt-5", "openai:m@http://127.0.0.1:1/v1", "transformers:/a folder"])
def test_what_can_drive(name: str) -> None:
    check_vlm_name(name)


@pytest.mark.parametrize("name", ["clip", "clip:embedded", "clip:ViT-B-32:openai", "openai:gpt-5"])
def test_what_can_judge(name: str) -> None:
    check_critic_name(name)


@pytest.mark.parametrize("name", ["", "Rules", "clip", "clip:ViT-B-32:openai", "openai:"])
def test_what_can_not_drive(name: str) -> None:
    with pytest.raises(UserError, match="give --vlm one of: rules"):
        check_vlm_name(name)


@pytest.mark.parametrize("name", ["", "rules", "Clip", "openai:"])
def test_what_can_not_judge(name: str) -> None:
    with pytest.raises(UserError, match="give --critic one of: clip"):
        check_critic_name(name)
