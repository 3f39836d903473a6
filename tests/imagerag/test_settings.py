"""The settings: flags, environment variables and defaults."""

import pytest

from imagerag.errors import UserError
from imagerag.settings import load_settings


def test_the_setting_is_a_variable_too() -> None:
    assert load_settings(environ={"IMAGERAG_VLM_TEXT_ONLY": "1"}).vlm_text_only
    assert not load_settings(environ={"IMAGERAG_VLM_TEXT_ONLY": "false"}).vlm_text_only
    with pytest.raises(UserError, match="IMAGERAG_VLM_TEXT_ONLY is 'maybe'; it must be one of true"):
        load_settings(environ={"IMAGERAG_VLM_TEXT_ONLY": "maybe"})
