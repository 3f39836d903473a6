"""The arms: each that is named can be used, and any setting or switch can be one."""

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.arms import ARMS, DEFAULT_ARMS, read_arms, settings_of, switches_of
from imagerag.settings import Settings

NAMED_BY_THE_ISSUE = {
    "base", "best-of-n", "rephrase", "one-pass", "one-pass-first", "blind-lookup", "agent-1", "agent-2", "agent-3",
    "agent-5", "references-1", "references-2", "references-3", "references-4", "random-references", "retrieval-0",
    "retrieval-10", "retrieval-100", "retrieval-1000", "without-keep-best", "without-floor", "without-captions",
    "without-mmr", "without-inspection", "without-early-stop", "lookup-diverse", "lookup-rerank", "lookup-fused",
}  # fmt: skip


def test_every_named_arm_has_settings_that_a_run_can_have() -> None:
    assert set(ARMS) >= NAMED_BY_THE_ISSUE
    for arm in ARMS.values():
        settings_of(arm, Settings())
        switches_of(arm)
        assert arm.about


def test_the_default_is_five_arms_in_the_order_of_the_report() -> None:
    assert tuple(arm.name for arm in read_arms([])) == DEFAULT_ARMS
    assert len(DEFAULT_ARMS) == 5


def test_any_setting_and_switch_can_be_an_arm() -> None:
    (arm,) = read_arms(["mine:max_generations=3,library=bundled,own,references=4,floor=no,lookup_model=ViT-B-32:x"])
    assert arm.name == "mine"
    settings, switches = settings_of(arm, Settings(n=2)), switches_of(arm)
    assert (settings.max_generations, settings.library, settings.n) == (3, ("bundled", "own"), 2)
    assert settings.lookup_model == "ViT-B-32:x"
    assert (switches.references, switches.floor, switches.inspect) == (4, False, True)


def test_an_arm_that_takes_the_generations_of_another_brings_that_one() -> None:
    assert [arm.name for arm in read_arms(["best-of-n"])] == ["best-of-n", "agent"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("agnet", "did you mean 'agent'"),
        ("mine:referenzes=2", "there is no setting 'referenzes'; did you mean 'references'"),
        ("mine:references=0", "references 0 is outside 1..20; give references= a whole number"),
        ("mine:max_generations=many", "max_generations of --arm 'mine' is 'many'; it must be a whole number"),
        ("mine:n", "'n' is no KEY=VALUE"),
        ("mine:seed=3", "'seed' is the same for all arms"),
        ("mine:found=web", "found 'web' is not one of index, random, mislabelled"),
        (":n=2", "no name before the colon"),
        ("x:n_like=nobody", "n_like of arm 'x' 'nobody' is no arm"),
    ],
)
def test_what_is_no_arm_is_told_with_the_way_out(text: str, told: str) -> None:
    with pytest.raises(UserError) as error:
        read_arms([text])
    assert told in str(error.value)


def test_two_arms_of_one_name_are_refused() -> None:
    with pytest.raises(UserError, match="there are two arms 'a'"):
        read_arms(["a:n=2", "a:n=3"])
    assert len(read_arms(["a:n=2", "a:n=2"])) == 1
