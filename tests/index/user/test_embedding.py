"""Engines that embed pictures, by name."""

from typing import Any

import pytest

from imagerag.errors import UserError
from imagerag.index.user.embedding import ThreadEngine
from imagerag.index.user.engines import open_engine

EMBEDDER: Any = object()


def test_threads_are_an_engine_and_an_unknown_name_is_refused_with_the_known_ones() -> None:
    assert isinstance(open_engine("threads", EMBEDDER), ThreadEngine)
    with pytest.raises(UserError, match="engine 'spark' is unknown; give threads, ray, or ray:ADDRESS"):
        open_engine("spark", EMBEDDER)
