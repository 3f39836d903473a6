"""Which prompts are drawn, and in which order the arms are."""

import pytest

from imagerag.errors import UserError
from imagerag.evaluation.plan import DEFAULT_PROMPTS, chosen_prompts, ordered
from imagerag.evaluation.records import Arm, Suite, SuitePrompt


def suite(**strata: int) -> Suite:
    prompts = [
        SuitePrompt(f"{name}-{at}", f"a {name} {at}", stratum=name) for name in strata for at in range(strata[name])
    ]
    return Suite("small", tuple(prompts))


def counts(prompts: tuple[SuitePrompt, ...]) -> dict[str, int]:
    return {name: sum(one.stratum == name for one in prompts) for name in sorted({one.stratum for one in prompts})}


def test_a_limit_takes_the_first_of_each_stratum() -> None:
    chosen = chosen_prompts(suite(known=5, lacking=2), 3, full=False)
    assert [prompt.name for prompt in chosen] == ["known-0", "known-1", "known-2", "lacking-0", "lacking-1"]


def test_without_one_the_default_number_is_shared_out_and_small_strata_leave_room() -> None:
    assert counts(chosen_prompts(suite(known=300, lacking=300, nowhere=20), None, full=False)) == {
        "known": 90,
        "lacking": 90,
        "nowhere": 20,
    }
    assert len(chosen_prompts(suite(a=500, b=500, c=500), None, full=False)) == DEFAULT_PROMPTS
    assert len(chosen_prompts(suite(a=3), None, full=False)) == 3


def test_in_full_all_are_taken() -> None:
    assert len(chosen_prompts(suite(a=500, b=500), None, full=True)) == 1000


def test_strata_can_be_chosen() -> None:
    chosen = chosen_prompts(suite(known=5, lacking=5), 2, full=False, strata=["lacking"])
    assert counts(chosen) == {"lacking": 2}
    with pytest.raises(UserError, match="stratum 'lackin' is none of suite 'small'; valid: known, lacking"):
        chosen_prompts(suite(known=5, lacking=5), None, full=True, strata=["lackin"])


def test_a_suite_without_prompts_is_told() -> None:
    with pytest.raises(UserError, match="'small' has no prompts"):
        chosen_prompts(suite(), None, full=False)


def test_an_arm_comes_behind_the_one_whose_generations_it_takes() -> None:
    arms = [Arm("best", {"n_like": "agent"}), Arm("base"), Arm("agent")]
    assert [arm.name for arm in ordered(arms)] == ["base", "agent", "best"]


def test_arms_that_wait_for_each_other_are_refused() -> None:
    with pytest.raises(UserError, match="'a': n_like 'b' leads back to itself"):
        ordered([Arm("a", {"n_like": "b"}), Arm("b", {"n_like": "a"})])
