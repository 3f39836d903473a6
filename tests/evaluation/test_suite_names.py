"""The suites by name."""

from pathlib import Path

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.metric_names import check_metrics, default_metrics, file_of
from imagerag.evaluation.records import Suite, SuitePrompt
from imagerag.evaluation.suite_names import has_halves, open_suite, retrieval_pictures


def test_the_bundled_suite_has_halves_and_needs_no_data() -> None:
    assert has_halves("pictograms")
    assert len(open_suite("pictograms").prompts) == 2 * len(open_suite("pictograms", split="test").prompts)
    with pytest.raises(UserError, match="comes with imagerag"):
        open_suite("pictograms", Path("x"))


def test_a_person_s_own_file_is_a_suite(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text('{"prompt": "an owl"}\n')
    assert [prompt.text for prompt in open_suite(str(file)).prompts] == ["an owl"]
    assert not has_halves(str(file))
    assert retrieval_pictures(str(file), None) is None


def test_an_unknown_suite_is_told_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"'cub' is not known; give --suite one of: pictograms, .*cub-200"):
        open_suite("cub")


def test_what_is_measured_follows_from_the_suite() -> None:
    assert default_metrics(open_suite("pictograms", split="test")) == ("presence", "wrong_references")
    assert default_metrics(Suite("a", (SuitePrompt("p", "p", images=("x.png",)),))) == ("clip", "dino")
    assert default_metrics(Suite("a", (SuitePrompt("p", "p"),))) == ("clip",)


def test_a_metric_is_known_by_its_name_and_its_file() -> None:
    suite = open_suite("pictograms", split="test")
    told = ["presence", "clip:ViT-L-14:openai", "presence"]
    assert check_metrics(told, suite) == ("presence", "clip:ViT-L-14:openai")
    assert check_metrics([], suite) == ("presence", "wrong_references")
    assert file_of("presence") == "presence"
    assert "/" not in file_of("clip:hf-hub:timm/x")


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        (["clop"], "all of them: presence, wrong_references, clip"),
        (["presence"], "judges pictograms alone, and suite 'mine' is of something else; name a chat model"),
        (["wrong_references"], "judges pictograms alone"),
    ],
)
def test_what_can_not_be_measured_is_told(metrics: list[str], told: str) -> None:
    with pytest.raises(UserError) as error:
        check_metrics(metrics, Suite("mine", (SuitePrompt("p", "p"),)))
    assert told in str(error.value)


def test_two_metrics_of_one_file_are_refused() -> None:
    with pytest.raises(UserError, match="are kept under one name, 'presence'"):
        check_metrics(["presence", "presence:openai:x"], open_suite("pictograms", split="test"))
