"""GenAI-Bench: what it says has to be seen."""

import json
from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.loaders.registry import load_suite
from testing import miniature_suites
from testing.miniature_suites import text


@pytest.mark.parametrize("layout", ["genai_bench", "genai_bench_of_the_hub"])
def test_both_layouts(layout: str, tmp_path: Path) -> None:
    getattr(miniature_suites, layout)(tmp_path)
    suite = load_suite("genai-bench", tmp_path)
    assert [prompt.text for prompt in suite.prompts] == ["a baker", "more owls than cats", "a lamp"]
    assert [prompt.stratum for prompt in suite.prompts] == ["basic", "advanced", "untagged"]
    assert "1 prompts have no tag" in suite.notes[0]


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    miniature_suites.genai_bench(tmp_path)
    text(tmp_path / "genai_skills.json", json.dumps({"basic": ["one"]}))
    with pytest.raises(UserError, match="has 'one' in 'basic', no number of a prompt"):
        load_suite("genai-bench", tmp_path)
    (tmp_path / "genai_skills.json").unlink()
    with pytest.raises(UserError, match=r"finds no file 'genai_skills\.json'"):
        load_suite("genai-bench", tmp_path)
    (tmp_path / "genai_image.json").unlink()
    (tmp_path / "other.parquet").write_bytes(b"no table")
    with pytest.raises(UserError, match=r"is no Parquet file, or damaged .*whose tables have Index, Prompt and Tags"):
        load_suite("genai-bench", tmp_path)
