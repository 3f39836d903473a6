"""Where an evaluation's tasks are done: in this process, in several of this machine, or on a Ray cluster."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from imagerag.errors import UserError, first_line
from imagerag.evaluation.plan import Plan, Task
from imagerag.evaluation.worker import Message, Worker

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

LOOKED = 0.5
"""Seconds between two looks at whether the processes are alive."""
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class Engine(Protocol):
    """Does tasks."""

    def messages(self, plan: Plan, tasks: Sequence[Task], is_cancelled: Callable[[], bool]) -> Iterator[Message | None]:
        """Yield what comes of the tasks as it is there, and ``None`` at the end of each.

        Raises:
            UserError: something that only a person can mend.
        """


class ThisProcess:
    """Does one task after the other, here.

    Args:
        scratch: folder for what workers need on their way; whoever gives it removes it.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch

    def messages(self, plan: Plan, tasks: Sequence[Task], is_cancelled: Callable[[], bool]) -> Iterator[Message | None]:
        """See ``Engine``."""
        worker = Worker(plan, self._scratch)
        worker.prepare()
        for task in tasks:
            for message in worker.work(task):
                yield message
                if is_cancelled():
                    return
            yield None


class Processes:
    """Shares the tasks out among processes of this machine, each with cores of its own.

    Args:
        count: of them, 2 or more.
        scratch: as of ``ThisProcess``.
    """

    def __init__(self, count: int, scratch: Path) -> None:
        self._count = count
        self._scratch = scratch

    def messages(self, plan: Plan, tasks: Sequence[Task], is_cancelled: Callable[[], bool]) -> Iterator[Message | None]:
        """See ``Engine``."""
        count = min(self._count, len(tasks))
        context = multiprocessing.get_context("spawn")
        waiting: Any = context.Queue()
        told: Any = context.Queue()
        for task in tasks:
            waiting.put(task)
        for _ in range(count):
            waiting.put(None)
        cores = max(1, (os.cpu_count() or 1) // count)
        with _threads(cores):
            processes = [
                context.Process(target=_work, args=(plan, self._scratch, waiting, told, cores), daemon=True)
                for _ in range(count)
            ]
            for process in processes:
                process.start()
        try:
            yield from _gathered(processes, told, is_cancelled)
        finally:
            waiting.cancel_join_thread()
            for process in processes:
                process.terminate()
            for process in processes:
                process.join()


class _threads:
    """Say in the environment of processes to come how many threads they may have, and put back what was said."""

    def __init__(self, cores: int) -> None:
        self._before = {name: os.environ.get(name) for name in THREADS}
        self._cores = cores

    def __enter__(self) -> None:
        os.environ.update(dict.fromkeys(THREADS, str(self._cores)))

    def __exit__(self, *error: object) -> None:
        for name, value in self._before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _gathered(
    processes: Sequence[BaseProcess], told: Any, is_cancelled: Callable[[], bool]
) -> Iterator[Message | None]:
    ended = 0
    while ended < len(processes):
        if is_cancelled():
            return
        try:
            one = told.get(timeout=LOOKED)
        except queue.Empty:
            dead = [process for process in processes if process.exitcode not in (None, 0)]
            if dead:
                raise UserError(
                    f"a process of the evaluation has died (exit status {dead[0].exitcode}; memory?); what was drawn "
                    "is kept: the same command goes on, with fewer --workers if need be"
                ) from None
            continue
        if isinstance(one, UserError):
            raise one
        if one == "end":
            ended += 1
        else:
            yield one


def _work(plan: Plan, scratch: Path, waiting: Any, told: Any, cores: int) -> None:
    """Do tasks until there are no more; what only a person can mend ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends this process
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import torch

    torch.set_num_threads(cores)
    worker = Worker(plan, scratch)
    try:
        worker.prepare()
        while (task := waiting.get()) is not None:
            for message in worker.work(task):
                told.put(message)
            told.put(None)
        told.put("end")
    except UserError as error:
        told.put(UserError(str(error)))


def _end_with_parent() -> None:
    """End this process when its parent is killed, which could not tell it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class RayCluster:
    """Shares the tasks out among the cores, or the GPUs, of a Ray cluster.

    Every node needs imagerag with its ``ray`` extra, and finds the data directory and pictures under the same paths.

    Args:
        address: as ``ray.init`` takes it (``auto``, ``head:6379``); a cluster of this machine alone if empty.

    Raises:
        UserError: Ray is not installed.
    """

    def __init__(self, address: str = "") -> None:
        try:
            import ray  # noqa: F401
        except ImportError as error:
            raise UserError(f"Ray can't be imported ({error}); next: pip install 'imagerag[ray]'") from error
        self._address = address

    def messages(self, plan: Plan, tasks: Sequence[Task], is_cancelled: Callable[[], bool]) -> Iterator[Message | None]:
        """See ``Engine``; what comes of a task is told when all of it is there."""
        import ray

        from imagerag.index.user.ray_engine import connected

        with connected(self._address):
            resources = ray.cluster_resources()
            gpus, cores = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
            own: dict[str, float] = {"num_gpus": 1} if gpus else {"num_cpus": 1}
            made = ray.remote(**own)(_RayWorker)
            workers = [made.remote(plan) for _ in range(min(gpus or cores, len(tasks)))]
            pool = ray.util.ActorPool(workers)
            try:
                for messages in pool.map_unordered(lambda actor, task: actor.work.remote(task.packed()), tasks):
                    yield from messages
                    yield None
                    if is_cancelled():
                        return
            except ray.exceptions.RayTaskError as error:
                if isinstance(error.cause, UserError):
                    raise UserError(str(error.cause)) from error
                raise
            except ray.exceptions.RayError as error:
                raise UserError(f"Ray gave up ({first_line(error)}); what was drawn is kept: run it again") from error


class _RayWorker:
    """An actor that holds the engines."""

    def __init__(self, plan: Plan) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="imagerag-eval-")
        self._worker = Worker(plan, Path(self._folder.name))
        self._worker.prepare()

    def work(self, task: Task) -> list[Message]:
        return list(self._worker.work(task))
