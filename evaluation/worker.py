"""Draws and measures what is left of one prompt, arm after arm, and tells what came of it as messages.

It writes nothing into the folder of the run: the one process that gathers does, whichever process or machine this is.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from imagerag.agent.protocols import Critic, Driver, ProgramDriver
from imagerag.agent.rule_policy import RulePolicy
from imagerag.devices import choose_device
from imagerag.errors import InvalidArgument, UserError, first_line
from imagerag.evaluation.arms import settings_of, switches_of
from imagerag.evaluation.lookups import EvaluationIndex, RecordedLookups
from imagerag.evaluation.metric_names import load_metric
from imagerag.evaluation.metrics.base import Metric, MetricContext
from imagerag.evaluation.plan import Plan, Task, png_bytes
from imagerag.evaluation.records import Arm, Drawing, SuitePrompt, UsedReference
from imagerag.evaluation.remembered import Memory, NeverSatisfied, RememberingCritic, RememberingGenerator
from imagerag.evaluation.switches import OF_THE_RULES
from imagerag.graphs.agent_graph import build_graph
from imagerag.graphs.assembly import Graph
from imagerag.graphs.components import Components, InjectedComponents
from imagerag.graphs.one_pass import build_one_pass
from imagerag.graphs.state import Output
from imagerag.profiles.resolve import resolve
from imagerag.records import ImageRecord
from imagerag.settings import Settings
from imagerag.store.images import ImageStore
from imagerag.told_text import told_text

if TYPE_CHECKING:
    from PIL import Image

FINDS = ("library", "lookup_model", "lookup_floor", "lookup_diverse")
"""Settings that decide what a look-up finds."""

_log = logging.getLogger(__name__)


class Message(NamedTuple):
    """What a worker tells.

    Attributes:
        kind: ``lookup``: ``value`` is a recorded search; ``reference``: the PNG of a search service's picture, whose
            address is ``name``; ``image``: that of a drawing; ``drawing``: a ``Drawing``; ``measured``: a
            ``Measurement`` of the metric ``name``; ``note``: how often ``name`` came up since it was last told, in
            words for the person; 0 where it is no matter of how often.
    """

    kind: Literal["lookup", "reference", "image", "drawing", "measured", "note"]
    value: Any
    name: str = ""


class Worker:
    """One process's engines, loaded once for all prompts.

    Args:
        plan: what is the same for all prompts.
        folder: receives the images that arms draw on their way; whoever gives it removes it.
        injected: parts given by a program, in place of those that settings name.
    """

    def __init__(self, plan: Plan, folder: Path, injected: InjectedComponents | None = None) -> None:
        self._plan = plan
        self._store = ImageStore(folder)
        parts = injected or InjectedComponents()
        self._engines = {arm.name: _ArmEngines(arm, plan.settings, parts) for arm in plan.arms}
        self._metrics: dict[str, Metric] = {}
        self._shown = _Shown(Task(SuitePrompt("", ""), frozenset()))
        self._noted: dict[str, int] = {}

    def prepare(self) -> None:
        """Load what the arms draw and judge with, so that what only a person can mend is told before anything is drawn.

        Raises:
            UserError: it can't be loaded here, or an arm's settings can't be used.
        """
        for engines in self._engines.values():
            engines.prepare()
        for name in self._plan.metrics:
            self._metric(name)

    def work(self, task: Task) -> Iterator[Message]:
        """Yield what comes of a task, each drawing with its measurements as soon as these can be made."""
        told: list[Message] = []
        recorded = RecordedLookups(
            task.prompt.name,
            task.lookups,
            lambda line: told.append(Message("lookup", line)),
            task.references,
            lambda sha256, png: told.append(Message("reference", png, sha256)),
        )
        self._shown = _Shown(task)
        unmeasured = dict(task.unmeasured)
        alone = [name for name in self._plan.metrics if "seeds" not in self._metric(name).needs]
        with_others = tuple(name for name in self._plan.metrics if name not in alone)
        for seed in self._plan.seeds:
            memory = Memory()
            for arm in self._plan.arms:
                if (arm.name, seed) not in task.left:
                    continue
                drawing, png = self._drawn(arm, task.prompt, seed, memory, recorded)
                self._shown.add(drawing, png)
                yield from told
                told.clear()
                if png:
                    yield Message("image", png, drawing.image)
                yield Message("drawing", drawing)
                if png:
                    yield from self._measured(drawing, task.prompt, alone)
                    unmeasured[arm.name, seed] = with_others
        for key, names in unmeasured.items():
            yield from self._measured(self._shown.drawings[key], task.prompt, names)
        yield from self._notes()

    def _notes(self) -> Iterator[Message]:
        """Yield what metrics have to tell since the last time."""
        for metric in self._metrics.values():
            for what, times in metric.notes.items():
                words = f"{metric.name}: {what}"
                if words not in self._noted or times > self._noted[words]:
                    yield Message("note", times - self._noted.get(words, 0), words)
                    self._noted[words] = times

    def _drawn(
        self,
        arm: Arm,
        prompt: SuitePrompt,
        seed: int,
        memory: Memory,
        recorded: RecordedLookups,
    ) -> tuple[Drawing, bytes]:
        """Return the drawing of an arm with its PNG; one that failed has an error and no PNG."""
        account = memory.begin_run()
        engines = self._engines[arm.name]
        like = engines.switches.n_like
        n = None if like is None else self._shown.generations(like, seed)
        try:
            output, spent = engines.run(prompt.text, seed, n, memory, recorded, self._store)
        except (UserError, InvalidArgument) as error:
            return _failed(arm, prompt, seed, str(error)), b""
        except Exception as error:  # one prompt that fails must not lose the others
            _log.exception("arm %r failed on %r", arm.name, prompt.name)
            return _failed(arm, prompt, seed, f"{type(error).__name__}: {first_line(error)}"), b""
        chosen = _returned(output, engines.switches.returns)
        if chosen is None:
            return _failed(arm, prompt, seed, str(output["messages"][-1].text)), b""
        verdict = chosen["verdict"]
        drawing = Drawing(
            arm=arm.name,
            prompt=prompt.name,
            seed=seed,
            image=chosen["sha256"],
            generations=account.images,
            steps=account.steps,
            calls=sum(step.get("calls", 0) for step in output["trace"]),
            tokens=spent["tokens"],
            money=spent["money"],
            seconds=round(output["seconds"] - spent.get("loading", 0.0) + account.seconds, 3),
            stop_reason=output["stop_reason"],
            score=None if verdict is None or verdict.get("uncalibrated") else verdict["score"],
            verdict={} if verdict is None else {one["concept"]: one["score"] for one in verdict["concepts"]},
            references=_used(output, chosen),
        )
        return drawing, self._store.data(chosen["sha256"])

    def _measured(self, drawing: Drawing, prompt: SuitePrompt, names: Sequence[str]) -> Iterator[Message]:
        for name in names:
            image = self._shown.image(drawing.arm, drawing.seed)
            yield Message("measured", self._metric(name).measure(drawing, prompt, image), name)

    def _metric(self, name: str) -> Metric:
        if name not in self._metrics:
            settings = resolve(self._plan.settings)
            context = MetricContext(
                device=str(choose_device(settings.device_settings)),
                data=self._plan.data,
                open_reference=self._reference,
                siblings=lambda drawing: self._shown.siblings(drawing),
                critic=settings.critic,
            )
            self._metrics[name] = load_metric(name, context)
        return self._metrics[name]

    def _reference(self, reference: UsedReference) -> Image.Image | None:
        """Return the pixels of a reference that some arm has found."""
        for engines in self._engines.values():
            with suppress(InvalidArgument, UserError):
                return engines.picture(reference.sha256)
        return None


class _Shown:
    """The drawings of one prompt.

    Args:
        task: with those that are there.
    """

    def __init__(self, task: Task) -> None:
        self.drawings = {(one.arm, one.seed): one for one in task.there}
        self._pngs = dict(task.pngs)

    def add(self, drawing: Drawing, png: bytes) -> None:
        """Enter one that was just drawn; one that failed has no PNG."""
        self.drawings[drawing.arm, drawing.seed] = drawing
        if png:
            self._pngs[drawing.arm, drawing.seed] = png

    def generations(self, arm: str, seed: int) -> int:
        """Return how many images an arm has drawn under a seed; at least 1, also where it failed."""
        drawing = self.drawings.get((arm, seed))
        return max(1, drawing.generations if drawing is not None else 1)

    def image(self, arm: str, seed: int) -> Image.Image:
        """Return one as opened from its PNG, with the manifest in ``info``."""
        from PIL import Image as pil

        image = pil.open(io.BytesIO(png_bytes(self._pngs[arm, seed])))
        image.load()
        return image

    def siblings(self, drawing: Drawing) -> list[Image.Image]:
        """Return those of the same arm with other seeds."""
        return [self.image(arm, seed) for arm, seed in self._pngs if arm == drawing.arm and seed != drawing.seed]


class _ArmEngines:
    """What one arm runs with."""

    def __init__(self, arm: Arm, common: Settings, injected: InjectedComponents) -> None:
        self._arm = arm
        self.switches = switches_of(arm)
        self._settings = settings_of(arm, common)
        self._injected = injected

    @cached_property
    def _components(self) -> Components:
        return Components(self._settings, self._injected)

    def prepare(self) -> None:
        """Load them.

        Raises:
            UserError: they can't be loaded, or switches are turned that change nothing.
        """
        components = self._components
        assert components.generator
        assert components.critic
        _ = components.reranker
        turned = ", ".join(name for name in OF_THE_RULES if name in self._arm.settings)
        if turned and self.switches.pipeline != "agent":
            raise UserError(
                f"arm {self._arm.name!r} sets {turned}, which pipeline {self.switches.pipeline!r} does not heed; "
                "leave one of them out"
            )
        if turned and components.program is None:
            raise UserError(
                f"arm {self._arm.name!r} sets {turned}, which only the rules heed, and {components.settings.vlm!r} "
                "decides; leave it out, or add vlm=rules to the arm"
            )

    def picture(self, sha256: str) -> Image.Image:
        """Return a picture of the arm's index, by its address.

        Raises:
            InvalidArgument: it has none of that address.
        """
        return self._components.index.image(sha256)

    def run(
        self, prompt: str, seed: int, n: int | None, memory: Memory, recorded: RecordedLookups, store: ImageStore
    ) -> tuple[Output, Any]:
        """Return the outcome of one run, and what it has spent."""
        components, switches = self._components, self.switches
        settings = components.settings if n is None else replace(components.settings, n=n)
        finds = {name: getattr(settings, name) for name in FINDS}
        parts: dict[str, Any] = {
            "generator": RememberingGenerator(components.generator, memory, settings.makes),
            "critic": self._critic(memory),
            "index": EvaluationIndex(lambda: components.index, finds, switches, recorded),
            "store": store,
            "writer": components.writer,
        }
        graph: Graph
        if switches.pipeline == "one-pass":
            graph = build_one_pass(**parts)
        else:
            graph = build_graph(chat_model=self._driver(), **parts)
        config: Any = {"configurable": {"thread_id": "evaluation"}}
        output: Any = graph.invoke({"prompt": prompt, "seed": seed}, config, context=settings)
        return output, graph.get_state(config).values["spent"]

    def _driver(self) -> Driver:
        driver = self._components.driver
        return RulePolicy(self.switches.policy) if isinstance(driver, RulePolicy) else driver

    def _critic(self, memory: Memory) -> Critic:
        """Return the critic: one that asks no chat model judges no image twice, and an arm may leave it unsatisfied."""
        from imagerag.agent.clip_critic import ClipCritic

        critic = self._components.critic
        if isinstance(critic, ClipCritic) and isinstance(self._components.driver, ProgramDriver):
            return RememberingCritic(critic, memory, early_stop=self.switches.early_stop)
        return critic if self.switches.early_stop else NeverSatisfied(critic)


def _returned(output: Output, which: str) -> ImageRecord | None:
    return output["images"][-1] if which == "last" and output["images"] else output["image"]


def _used(output: Output, chosen: ImageRecord) -> tuple[UsedReference, ...]:
    return tuple(
        UsedReference(one["concept"], one["caption"], one["title"], one["sha256"], one["similarity"])
        for one in output["references"]
        if one["id"] in chosen["references"]
    )


def _failed(arm: Arm, prompt: SuitePrompt, seed: int, error: str) -> Drawing:
    told = told_text(" ".join(error.split()))
    return Drawing(
        arm=arm.name, prompt=prompt.name, seed=seed, image="", generations=0, steps=0, calls=0, tokens=0, money=0.0,
        seconds=0.0, stop_reason="error", score=None, verdict={}, references=(), error=told,
    )  # fmt: skip
