"""The same stages on Ray Data, on this machine or on a cluster: tasks read and prepare, a pool of actors embeds.

The one process that adds writes the shards and Chroma, as ever, so that a run can be killed and goes on, and the result
is that of ``ThreadEngine``: the same rows, vectors equal to within 1e-5. Every node needs imagerag with its ``ray``
extra, and must find the pictures under the same paths; the model goes to them from here.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from imagerag.embedders.clip import OpenClipEmbedder
from imagerag.errors import UserError, first_line
from imagerag.index.user.embedding import BATCH, EmbeddedItem
from imagerag.index.user.sources.decoding import decode
from imagerag.index.user.sources.items import Item, Origin

if TYPE_CHECKING:
    from imagerag.embedders.clip import Embedder

AT_ONCE = 100_000
"""Items in one execution of Ray's: the actors load the model once for so many."""
HELD = 2**30
"""Bytes of pictures, where a source had to read them, that end an execution earlier: they lie in Ray's object store."""
READING = 0.25
"""Of a core, for a task that reads: on machines without a GPU four of them share what each actor leaves of its core."""

REACHED = 10.0
"""Seconds after which a cluster that does not answer counts as none."""

Columns = dict[str, NDArray[Any]]


class RayEngine:
    """The engine of a cluster.

    Args:
        embedder: an open_clip model; it is sent to the actors.
        address: of the cluster, as ``ray.init`` takes it (``auto``, ``head:6379``); one on this machine, for
            the time of the run, if empty.

    Raises:
        UserError: Ray is not installed, or the model can't be sent.
    """

    def __init__(self, embedder: Embedder, address: str = "") -> None:
        try:
            import ray.data  # noqa: F401
        except ImportError as error:
            raise UserError(f"Ray can't be imported ({error}); next: pip install 'imagerag[ray]'") from error
        if not isinstance(embedder, OpenClipEmbedder):
            raise UserError(f"{embedder.model_id!r} can't be sent to other processes; leave out --engine ray")
        self._embedder = embedder
        self._address = address
        self._stack = ExitStack()
        self._connected = False

    def embedded(self, items: Iterator[Item], before: Collection[str]) -> Iterator[list[EmbeddedItem]]:
        """See ``EmbeddingEngine``."""
        import ray

        model = digests = None
        for part in _parts(items):
            good = [item for item in part if not item.problem]
            try:
                if good and model is None:
                    self._connect()
                    model = ray.put(self._embedder)
                    digests = ray.put(np.sort(np.array([bytes.fromhex(one) for one in before], "S32")))
                outcomes = self._run(good, model, digests) if good else iter(())
                yield from _in_order(part, outcomes)
                assert next(outcomes, None) is None  # and Ray has ended its execution
            except ray.exceptions.RayError as error:
                raise UserError(f"Ray gave up ({first_line(error)}); what was embedded is kept: add again") from error

    def close(self) -> None:
        """Leave the cluster, or end the one on this machine; not one that the program has joined itself."""
        self._stack.close()

    def _connect(self) -> None:
        if not self._connected:
            self._stack.enter_context(connected(self._address))
            self._connected = True

    def _run(self, items: Sequence[Item], model: Any, digests: Any) -> Iterator[dict[str, Any]]:
        """Yield what came of each item, in order."""
        import ray

        resources = ray.cluster_resources()
        gpus, cores = int(resources.get("GPU", 0)), int(resources.get("CPU", 1))
        actors = gpus or cores
        own: dict[str, float] = {"num_gpus": 1} if gpus else {"num_cpus": 1 - READING}
        rows = [{"item": pickle.dumps((item.key, *item.origin)), "data": item.data or b""} for item in items]
        taken = ray.data.from_items(rows, override_num_blocks=max(1, len(rows) // BATCH))
        pool = ray.data.ActorPoolStrategy(min_size=1, max_size=actors)
        reading = (self._embedder.preparation, digests)
        taken = taken.map_batches(
            _Reading, fn_constructor_args=reading, batch_size=BATCH, num_cpus=READING, compute=pool
        )
        taken = taken.map_batches(_Embedding, fn_constructor_args=(model,), batch_size=BATCH, compute=pool, **own)
        for batch in taken.iter_batches(batch_size=BATCH, batch_format="numpy"):
            for at in range(len(batch["sha256"])):
                yield {name: column[at] for name, column in batch.items()}


class _Reading:
    """The first stage: bytes to what the model takes."""

    def __init__(self, preparation: Any, digests: Any) -> None:
        import ray

        self._prepare = preparation
        self._digests: NDArray[np.bytes_] = ray.get(digests)

    def __call__(self, batch: Columns) -> Columns:
        out: dict[str, list[Any]] = {name: [] for name in ("sha256", "picture", "look", "note", "problem")}
        for packed, data in zip(batch["item"], batch["data"], strict=True):
            key, *origin = pickle.loads(packed)
            one = decode(Item(key, Origin(*origin), data=data or None), self._before, self._prepare)
            picture = pickle.dumps(one.picture) if one.picture is not None else b""
            for name, value in zip(out, (one.sha256, picture, one.look, one.note, one.problem), strict=True):
                out[name].append(value)
        columns: Columns = {name: np.array(values, object) for name, values in out.items() if name != "look"}
        return columns | {"look": np.array(out["look"], np.uint64)}

    def _before(self, sha256: str) -> bool:
        digest = np.bytes_(bytes.fromhex(sha256))
        at = int(np.searchsorted(self._digests, digest))
        return at < len(self._digests) and bool(self._digests[at] == digest)


class _Embedding:
    """The second stage: an actor that holds the model."""

    def __init__(self, model: Any) -> None:
        import ray
        import torch

        self._embedder: OpenClipEmbedder = ray.get(model)
        if torch.cuda.is_available() and ray.get_gpu_ids():
            self._embedder = self._embedder.moved("cuda")

    def __call__(self, batch: Columns) -> Columns:
        pictures = [pickle.loads(packed) for packed in batch["picture"] if packed]
        vectors = np.zeros((len(batch["picture"]), self._embedder.dimension), np.float32)
        vectors[[bool(packed) for packed in batch["picture"]]] = self._embedder.embed_prepared(pictures)
        there = np.array([bool(packed) for packed in batch["picture"]])
        kept = {name: column for name, column in batch.items() if name != "picture"}
        return {**kept, "vector": vectors, "there": there}


def _parts(items: Iterator[Item]) -> Iterator[list[Item]]:
    part: list[Item] = []
    held = 0
    for item in items:
        part.append(item)
        held += len(item.data or b"")
        if len(part) == AT_ONCE or held > HELD:
            yield part
            part, held = [], 0
    if part:
        yield part


def _in_order(part: Sequence[Item], outcomes: Iterator[dict[str, Any]]) -> Iterator[list[EmbeddedItem]]:
    batch: list[EmbeddedItem] = []
    for item in part:
        item = item._replace(data=None)
        if item.problem:
            batch.append(EmbeddedItem(item, problem=item.problem))
        else:
            one = next(outcomes)
            vector = np.array(one["vector"], np.float32) if one["there"] else None
            batch.append(EmbeddedItem(item, one["sha256"], vector, int(one["look"]), one["note"], one["problem"]))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _check_reachable(address: str) -> None:
    """Look whether anything listens where a cluster is said to be: Ray itself goes on trying for minutes.

    Raises:
        UserError: nothing does, or that is no address.
    """
    if address in ("", "auto", "local"):
        return
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        place = parts.hostname or "", parts.port or 10001
        socket.create_connection(place, timeout=REACHED).close()
    except (OSError, ValueError) as error:
        raise UserError(
            f"no Ray cluster at {address!r} ({first_line(error)}); give HOST:PORT of its head, or auto"
        ) from error


@contextmanager
def connected(address: str) -> Iterator[None]:
    """Join a cluster, or start one for the time being; leave alone what the program has joined itself.

    Args:
        address: as ``ray.init`` takes it; a cluster on this machine, for the time being, if empty.

    Raises:
        UserError: there is none.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what fails comes back as an exception
    import ray.data

    ours = not ray.is_initialized()
    if ours:
        _check_reachable(address)
        try:
            ray.init(
                address=address or "local",
                include_dashboard=None if address else False,
                logging_level=logging.ERROR,
                log_to_driver=False,
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise UserError(f"no Ray cluster at {address or 'local'!r} ({first_line(error)})") from error
    context = ray.data.DataContext.get_current()
    log = logging.getLogger("ray.data")
    before = context.enable_progress_bars, context.execution_options.preserve_order, log.level
    context.enable_progress_bars, context.execution_options.preserve_order = False, True
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        context.enable_progress_bars, context.execution_options.preserve_order = before[:2]
        log.setLevel(before[2])
        if ours:
            ray.shutdown()
