"""The critic node: judges every image made, always, keeps the best, and says when redrawing has stopped helping."""

import time
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import HumanMessage
from PIL import Image

from imagerag.agent.absence import presence_in_words, with_absences
from imagerag.agent.names import CLIP_OF
from imagerag.agent.own_things import shown_beside, with_own_things
from imagerag.agent.protocols import Critic
from imagerag.agent.vlm_critic import CLIP_DECIDES
from imagerag.embedders.calibration import LEAST_CAPTIONED
from imagerag.embedders.clip import model_id_of
from imagerag.errors import BudgetExceeded, Cancelled, NoStandIn, UserError
from imagerag.graphs.best_image import best_among, settle_tie
from imagerag.graphs.budget import meter_step, stop_reason
from imagerag.graphs.components import Components
from imagerag.graphs.routing import stop_rule
from imagerag.graphs.state import Spent, State
from imagerag.graphs.state_queries import CRITIC, subjects_of, unjudged
from imagerag.graphs.trace import trace_step
from imagerag.index.user.calibration_file import library_calibration
from imagerag.index.user_libraries import OWN, personal_libraries
from imagerag.modes import Mode
from imagerag.profiles.resolve import RunSettings
from imagerag.profiles.soundness import kind_drawn
from imagerag.prompt_grammar.inflection import singular
from imagerag.prompt_grammar.negatives import things_unwanted
from imagerag.records import ConceptScore, ImageRecord, StopReason, Verdict
from imagerag.shell_words import quoted
from imagerag.store.home import home_path
from imagerag.tools.engines import open_pixels, pictures_of_own
from imagerag.tools.session import Emit


def judge(state: State, components: Components, emit: Emit) -> dict[str, Any]:
    """Judge the images that have no verdict yet, against what the turn asks for; the best so far stays the best.

    Where no critic can be had, since the run has to end while one is loaded or the one that stands in can't be loaded,
    the run ends with the best image that there is, without a verdict if it has none.
    """
    began = time.perf_counter()
    fresh = unjudged(state)
    spent: Spent = {**state["spent"]}
    before = next((record for record in state["all_images"] if record["id"] == state["best"]), None)
    with meter_step(state["limits"], spent, components.settings) as meter:
        try:
            verdicts, cut_off = _verdicts(fresh, components, state)
        except (BudgetExceeded, Cancelled, NoStandIn) as stop:
            why = "; ".join([*(note.removesuffix(CLIP_DECIDES) for note in meter.notes), str(stop)])
            told = f"{', '.join(record['id'] for record in fresh)} not judged: {why}"
            emit({"event": "note", "text": told})
            return {
                "best": (before or fresh[0])["id"],
                "halt": state["halt"] or _reason(stop),
                "all_trace": [trace_step(state, "critic", "none", "", began, meter=meter, error=told)],
                "spent": spent,
            }
        judged: list[ImageRecord] = []
        for record, verdict in zip(fresh, verdicts, strict=True):
            judged.append({**record, "verdict": verdict, "score": verdict["score"]})
            try:
                components.store.set_verdict(record["sha256"], verdict)
            except UserError as error:  # the verdict counts all the same
                emit({"event": "note", "text": f"the verdict on {record['id']} is not written into its file: {error}"})
        candidates = [*([before] if before else []), *judged]
        try:
            best, report = (_best(images, components, state) for images in (candidates, judged))
        except (BudgetExceeded, Cancelled, NoStandIn) as stop:  # scores of two critics don't compare
            cut_off = _reason(stop)
            best, report = candidates[0], judged[0]
            emit({"event": "note", "text": f"{best['id']} counts as the best, since no critic compares: {stop}"})
        if cut_off is None:
            try:
                best = settle_tie(best, judged, components, state["prompt"])
            except Cancelled as stop:
                cut_off = stop_reason(stop)
    _tell_who_decides(state, components.critic.name, meter.notes, emit)
    uncalibrated = next((verdict for verdict in verdicts if verdict.get("uncalibrated")), None)
    if uncalibrated is not None:  # also of one that had to decide instead
        emit({"event": "note", "text": _why_no_redraw(uncalibrated["critic"], components.settings, state["mode"])})
    for record in judged:
        assert record["verdict"] is not None
        emit({"event": "verdict", "image": record, "verdict": record["verdict"], "best": record["id"] == best["id"]})
    stale = 0 if best is not before else state["stale"] + 1
    halt = state["halt"] or cut_off or stop_rule(best, stale)
    assert report["verdict"] is not None
    return {
        "all_images": judged,
        "best": best["id"],
        "stale": stale,
        "halt": halt,
        "messages": [_report(report, report["verdict"], best)],
        "all_trace": [
            trace_step(
                state,
                "critic",
                components.critic.name,
                "; ".join(f"{record['id']} {record['score']:.2f}" for record in judged),
                began,
                meter=meter,
                error="; ".join(meter.notes) or None,
            )
        ],
        "spent": spent,
    }


def _verdicts(
    fresh: Sequence[ImageRecord], components: Components, state: State
) -> tuple[list[Verdict], StopReason | None]:
    """Return the verdicts on these images, and why the run has to end if it had to meanwhile.

    Raises:
        BudgetExceeded, Cancelled: a critic was still being loaded.
        NoStandIn: the one that has to stand in can't be loaded.
    """
    critic, pixels = components.critic, [open_pixels(components, record) for record in fresh]
    try:
        verdicts = _judged(critic, pixels, state, components)
    except Cancelled as stop:  # another critic has a word of its own, if it is at hand
        return _judged(getattr(critic, "stand_in", critic), pixels, state, components), stop_reason(stop)
    unwanted = things_unwanted(state["prompt"], state.get("run_negative") or "")
    return _with_absences(verdicts, pixels, components, unwanted)


def _best(images: Sequence[ImageRecord], components: Components, state: State) -> ImageRecord:
    best = best_among(images, components, state["prompt"], subjects_of(state))
    assert best is not None, "the critic runs only after a drawing"
    return best


def _reason(stop: BudgetExceeded | Cancelled | NoStandIn) -> StopReason:
    return "error" if isinstance(stop, NoStandIn) else stop_reason(stop)


def _judged(critic: Critic, pixels: Sequence[Image.Image], state: State, components: Components) -> list[Verdict]:
    """Judge by the prompt, and the person's own things by their pictures."""
    own = pictures_of_own(components, subjects_of(state))
    verdicts = shown_beside(critic, own).judge(pixels, state["prompt"])
    return [
        with_own_things(verdict, _of(critic, verdict), image, own)
        for verdict, image in zip(verdicts, pixels, strict=True)
    ]


def _of(critic: Critic, verdict: Verdict) -> object:
    """Return whose a verdict is: the critic's own, or that of the one that had to stand in."""
    return critic if verdict["critic"] == critic.name else getattr(critic, "stand_in", critic)


def _with_absences(
    verdicts: Sequence[Verdict], pixels: Sequence[Image.Image], components: Components, things: Sequence[str]
) -> tuple[list[Verdict], StopReason | None]:
    """Return the verdicts with what must not be there looked for, and why the run has to end if it had to meanwhile.

    An absence counts as much as each other concept; verdicts of one batch are all with it, or none.
    """
    absences = {singular(score["concept"]) for verdict in verdicts for score in verdict["concepts"]}
    things = [thing for thing in things if singular(f"no {thing}") not in absences]  # judged by the critic itself
    if not things:
        return list(verdicts), None
    try:
        found = [components.critic.look_for(image, things) for image in pixels]
    except (BudgetExceeded, Cancelled, NoStandIn) as stop:
        return list(verdicts), _reason(stop)
    return [with_absences(verdict, scores) for verdict, scores in zip(verdicts, found, strict=True)], None


def _why_no_redraw(name: str, settings: RunSettings, mode: Mode) -> str:
    """Word what an uncalibrated verdict means, and what would change it."""
    libraries = settings.library
    personal = personal_libraries(libraries)
    drawn = kind_drawn(settings.makes)
    target, other = _to_calibrate(name, settings, personal)
    of = [*(["--library", target] if target != OWN else [])]
    of += ["--lookup-model", name.removeprefix(CLIP_OF)] if name.startswith(CLIP_OF) else []
    # What nobody said to be pictograms counts as photographs.
    of += ["--shows", drawn] if other or drawn == "pictograms" else []
    add, calibrate = (quoted(["imagerag", "index", *words, *of]) for words in (["add", "FOLDER"], ["calibrate"]))
    searched = "" if personal else f", searched by --library {','.join([*libraries, OWN])}"
    without = "looked up or drawn again" if mode == "auto" else "drawn again"
    return (
        f"the critic {name!r} is uncalibrated, so nothing is {without}; next: {add} with {LEAST_CAPTIONED} captioned "
        f"pictures or more of the kind that is drawn{searched} (of indexed ones, if they are {drawn}: {calibrate}), or "
        "a vision-language model with --critic"
    )


def _to_calibrate(name: str, settings: RunSettings, libraries: Sequence[str]) -> tuple[str, bool]:
    """Return the library to add captioned pictures to, and whether it is said to show what is not drawn.

    It is the one that the critic judges by: with most captions, of those that show what is drawn if any do.
    """
    target = libraries[0] if libraries and OWN not in libraries else OWN
    if not name.startswith(CLIP_OF):
        return target, False
    try:
        model = model_id_of(name.removeprefix(CLIP_OF))
    except UserError:  # the critic is a program's own by such a name
        return target, False
    home, drawn = home_path(settings.home), kind_drawn(settings.makes)
    records = [(library, library_calibration(home, library, model)) for library in libraries]
    fitted = [(record.shows == drawn, record.captioned, library) for library, record in records if record]
    if not fitted:
        return target, False
    fits, _, target = max(fitted)
    return target, not fits


def _tell_who_decides(state: State, name: str, notes: Sequence[str], emit: Emit) -> None:
    """Tell, once a run, that CLIP judges instead of the model that was named, and why."""
    reason = next((note.removesuffix(CLIP_DECIDES) for note in notes if note.endswith(CLIP_DECIDES)), None)
    told = any(
        step["turn"] == state["turn"] and step["node"] == "critic" and CLIP_DECIDES in (step["error"] or "")
        for step in state["all_trace"]
    )
    if reason is not None and not told:
        emit({"event": "note", "text": f"the critic {name!r} gave no verdict ({reason}){CLIP_DECIDES}"})


def _said(score: ConceptScore) -> str:
    if score["kind"] == "absence":
        return presence_in_words(score)
    return "present" if score["present"] else "absent"


def _report(record: ImageRecord, verdict: Verdict, best: ImageRecord) -> HumanMessage:
    """Word the verdict for the model; the record rides along for a model that is a program."""
    lines = [
        f"- {score['concept']} ({score['kind']}): {_said(score)}, {score['score']:.2f}" for score in verdict["concepts"]
    ]
    standing = "the best so far" if record["id"] == best["id"] else f"not better than {best['id']}"
    standing = f"uncalibrated, {standing}" if verdict.get("uncalibrated") else standing
    head = f"Critic on {record['id']}: score {verdict['score']:.2f}, {standing}."
    tail = f"Missing: {', '.join(verdict['missing'])}." if verdict["missing"] else "Nothing is missing."
    return HumanMessage(
        "\n".join([head, *lines, tail]),
        name=CRITIC,
        additional_kwargs={"image": {**record, "verdict": verdict}, "best": best["id"]},
    )
