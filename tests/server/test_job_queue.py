"""The job queue: fair turns, a bound, an honest refusal, and a cancel that frees its place."""

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from imagerag.server.job_queue import Job, JobQueue, NotYet, QueueFull


class Held:
    """A room whose one worker is held until released, so that a queue can form."""

    def __init__(self, **settings: int) -> None:
        self.job_queue = JobQueue(**settings)
        self.release = threading.Event()
        self.order: list[str] = []
        began = threading.Event()

        def hold(job: Job) -> None:
            began.set()
            self.release.wait(10)

        self.first = self.job_queue.submit("holder", hold)
        assert began.wait(5)

    def add(self, client: str, name: str = "", conversation: str = "") -> Job:
        return self.job_queue.submit(client, lambda job: self.order.append(name or client), conversation=conversation)

    def finish(self, *jobs: Job) -> list[str]:
        self.release.set()
        for job in jobs:
            assert job.finished.wait(5)
        return self.order


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held(max_waiting=6, max_per_client=4)
    yield held
    held.release.set()
    held.job_queue.close()


def test_clients_take_turns_whatever_one_of_them_has_queued(held: Held) -> None:
    jobs = [held.add("a", "a1"), held.add("a", "a2"), held.add("a", "a3"), held.add("b", "b1"), held.add("c", "c1")]
    assert [held.job_queue.position(job) for job in jobs] == [1, 4, 5, 2, 3]
    assert held.finish(*jobs) == ["a1", "b1", "c1", "a2", "a3"]
    assert [held.job_queue.position(job) for job in jobs] == [0] * 5


def test_a_full_queue_refuses_with_a_time_to_come_back(held: Held) -> None:
    jobs = [held.add("a") for _ in range(4)]
    with pytest.raises(QueueFull, match="4 requests of yours are waiting"):
        held.add("a")
    jobs += [held.add("b"), held.add("c")]
    with pytest.raises(QueueFull, match="6 requests are waiting") as refused:
        held.add("d")
    assert refused.value.retry_after >= 1
    assert len(held.finish(*jobs)) == 6


@pytest.mark.slow
def test_new_names_of_one_program_leave_places_for_others() -> None:
    held = Held(max_waiting=64)
    refused = 0
    for name in range(9):
        for _ in range(8):
            try:
                held.add(f"invented-{name}")
            except QueueFull:
                refused += 1
    other = held.add("other")
    assert refused == 9 * 8 - 48 - 3, "the last three still have a first place each"
    assert held.job_queue.position(other) == 10, "after the one that runs and the first of each name"
    held.job_queue.close()


def test_a_client_that_was_served_is_not_shut_out_by_any_number_of_new_names() -> None:
    job_queue = JobQueue(max_waiting=16)
    assert job_queue.submit("served", lambda job: None).finished.wait(5)
    began, release = threading.Event(), threading.Event()

    def hold(job: Job) -> None:
        began.set()
        release.wait(10)

    job_queue.submit("holder", hold)
    assert began.wait(5)
    order: list[str] = []
    jobs = []
    for name in range(100):
        with suppress(QueueFull):
            jobs.append(job_queue.submit(f"invented-{name}", lambda job: order.append(job.client)))
    assert len(jobs) == 15
    mine = job_queue.submit("served", lambda job: order.append(job.client))
    assert job_queue.position(mine) <= 2
    release.set()
    assert all(job.finished.wait(5) for job in [*jobs, mine])
    assert order.index("served") <= 1
    order.remove("served")
    assert order == [f"invented-{name}" for name in range(15)]
    job_queue.close()


def test_a_cancelled_job_leaves_the_queue_at_once_and_never_runs(held: Held) -> None:
    ended = threading.Event()
    job = held.job_queue.submit("a", lambda job: held.order.append("ran"), on_end=lambda job: ended.set())
    behind = held.add("b")
    assert held.job_queue.position(behind) == 2
    held.job_queue.cancel(job)
    assert job.finished.is_set()
    assert ended.is_set()
    assert (held.job_queue.position(behind), held.job_queue.waiting()) == (1, 1)
    assert held.finish(behind) == ["b"]


def test_a_running_job_sees_its_cancel_and_the_next_begins() -> None:
    job_queue = JobQueue()
    began = threading.Event()
    seen = []

    def work(job: Job) -> None:
        began.set()
        seen.append(job.cancelled.wait(5))

    first = job_queue.submit("a", work)
    second = job_queue.submit("b", lambda job: None)
    assert began.wait(5)
    job_queue.cancel(first)
    assert second.finished.wait(5)
    assert seen == [True]
    job_queue.close()


def test_two_jobs_of_one_lane_never_run_at_once() -> None:
    job_queue = JobQueue(workers=3)
    now, most, lock = [0], [0], threading.Lock()

    def work(job: Job) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        job.cancelled.wait(0.01)
        with lock:
            now[0] -= 1

    jobs = [job_queue.submit(f"client-{k % 3}", work, conversation="one") for k in range(12)]
    assert all(job.finished.wait(10) for job in jobs)
    assert most == [1]
    job_queue.close()


class Panic(BaseException):
    """As Chroma's, which is written in Rust, raises where it fails."""


@pytest.mark.parametrize("kind", [RuntimeError, SystemExit, Panic, KeyboardInterrupt])
def test_a_defect_in_one_job_does_not_take_the_room_down(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    job_queue = JobQueue()

    def fail(job: Job) -> None:
        raise kind("a defect")

    broken, fine = job_queue.submit("a", fail), job_queue.submit("b", lambda job: None)
    assert broken.finished.wait(5)
    assert fine.finished.wait(5)
    assert "a defect" in caplog.text
    job_queue.close()


def test_closing_ends_what_runs_and_what_waits() -> None:
    held = Held()
    waiting = held.add("a")
    held.release.set()
    held.job_queue.close()
    assert held.first.finished.is_set()
    assert waiting.finished.is_set()
    with pytest.raises(RuntimeError):
        held.add("b")


def test_work_that_cannot_begin_gives_its_worker_back_and_is_tried_again() -> None:
    queue, may, order = JobQueue(), threading.Event(), []

    def when_it_may(job: Job) -> None:
        if not may.is_set():
            raise NotYet
        order.append("first")

    try:
        first = queue.submit("a", when_it_may)
        second = queue.submit("a", lambda job: order.append("second"))
        assert second.finished.wait(5)
        assert (first.finished.is_set(), queue.waiting()) == (False, 1)
        may.set()
        assert first.finished.wait(5)
        assert order == ["second", "first"]
    finally:
        queue.close()


def test_work_that_cannot_begin_can_be_cancelled_while_it_waits_and_while_it_is_tried() -> None:
    queue, tried, ended = JobQueue(), threading.Event(), []

    def never(job: Job) -> None:
        tried.set()
        raise NotYet

    def cancelled_meanwhile(job: Job) -> None:
        queue.cancel(job)
        raise NotYet

    try:
        waits = queue.submit("a", never, on_end=ended.append)
        assert tried.wait(5)
        queue.cancel(waits)
        runs = queue.submit("a", cancelled_meanwhile, on_end=ended.append)
        for job in (waits, runs):
            assert job.finished.wait(5)
        assert (ended, queue.waiting()) == ([waits, runs], 0)
    finally:
        queue.close()
