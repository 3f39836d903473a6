"""What a run learns about its models, kept by the run's id."""

from imagerag.chat_models.run_memory import RUNS_REMEMBERED, memory_of
from imagerag.chat_models.usage_meter import UsageMeter
from imagerag.graphs.budget import memory_of_run, nothing_spent


def test_a_run_finds_its_memory_again_and_another_run_has_its_own() -> None:
    first, second = nothing_spent(5.0), nothing_spent(5.0)
    memory_of_run(first).refused.add("images")
    assert memory_of_run(first).refused == {"images"}
    assert memory_of_run(second).refused == set(), "both began at the same moment"


def test_waiting_for_approval_changes_the_start_and_not_the_run() -> None:
    spent = nothing_spent(5.0)
    waited = {**spent, "started": 65.0}
    assert memory_of_run(waited) is memory_of_run(spent)  # type: ignore[arg-type]


def test_an_account_of_version_0_1_is_known_by_its_start() -> None:
    spent = nothing_spent(7.0)
    del spent["run"]
    assert memory_of_run(spent) is memory_of("7.0")


def test_only_so_many_runs_are_remembered() -> None:
    first = memory_of("the first of many")
    for number in range(RUNS_REMEMBERED):
        memory_of(f"run {number} of many")
    assert memory_of("the first of many") is not first


def test_questions_outside_of_runs_share_one_memory() -> None:
    assert UsageMeter().memory is UsageMeter().memory
