"""The five tools, as LangChain tools: what their docstrings say is what the model reads."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

from langchain_core.tools import BaseTool, StructuredTool
from pydantic import BaseModel, Field

from imagerag.agent.own_things import shown_beside, with_own_things
from imagerag.errors import InvalidArgument
from imagerag.prompt_grammar.prompt_syntax import plain_prompt
from imagerag.records import ConceptScore, ImageRecord, ReferenceRecord, Uncalibrated
from imagerag.tools.engines import pictures_of_own
from imagerag.tools.facts import named_by_quotes
from imagerag.tools.reference_lookup import look_up
from imagerag.tools.session import ToolSession, current_session

MAX_PROMPT = 4000
"""Characters of a prompt, caption or question."""
MAX_K = 20
"""References per caption in one search."""
MAX_CAPTIONS = 16
"""Captions in one search."""

MAX_CONCEPTS = 64
"""Concepts in one call."""
MAX_IDS = 32
"""References named in one call."""
AT_ONCE = 16
"""Concepts that are looked for between two looks at the run's limits."""

UNCALIBRATED: dict[Uncalibrated, str] = {
    "false_positive_rate": "uncalibrated: 1 minus a false positive rate, not a probability",
    "other_pictures": "uncalibrated: fitted on pictures of another kind, not a probability",
}
"""What is told to a model of a score that is no probability."""

ToolResult = tuple[str, dict[str, Any]]
"""What the model reads, and the artifact record for programs."""


class Caption(BaseModel):
    """One caption to search with."""

    concept: str = Field(description="the missing concept it stands for, as the critic names it")
    caption: str = Field(description="a description of that concept alone")


def make_tools(session: Callable[[], ToolSession] = current_session) -> list[BaseTool]:
    """Return the built-in tools, working on whatever session ``session()`` returns at the time of the call.

    Results have text as content, which every provider takes, and a JSON-serialisable record as artifact. The record
    names the images that the result is about (``imagerag.tools.image_ids``); whoever talks to the model shows them.

    Raises (each tool, when invoked):
        InvalidArgument: an argument the model can correct.
        BudgetExceeded, Cancelled: the run has to end.
    """

    def generate(
        prompt: Annotated[str, Field(description="the whole picture in words: content and style")],
        seed: Annotated[int | None, Field(description="0..4294967295; leave out for a new one")] = None,
    ) -> ToolResult:
        """Draw the picture from words alone, without references. Use it first, or to try another seed."""
        work = session()
        images = work.draw(_plain(work, prompt), seed=_seed(seed))
        return _drawn(images, "drawn from the prompt alone")

    def inspect_image(
        image_id: Annotated[str, Field(description="an image (image-1), a reference (ref-1) or a subject (subject-1)")],
        concepts: Annotated[
            list[str] | None, Field(description="what to look for; leave out for everything the prompt asks for")
        ] = None,
    ) -> ToolResult:
        """Look closely at an image or a reference: for each concept, whether it is there and how sure that is."""
        work = session()
        sought = _texts("concepts", concepts or (), MAX_CONCEPTS)
        record = work.image_or_reference(image_id)
        critic, pixels = work.components.critic, work.pixels(record)
        if sought:
            scores = []
            for wanted in _batched(sought, AT_ONCE):
                if work.check:
                    work.check()
                scores += critic.look_for(pixels, wanted)
        else:
            own = pictures_of_own(work.components, work.subjects)
            verdict = shown_beside(critic, own).judge([pixels], work.prompt)[0]
            scores = with_own_things(verdict, critic, pixels, own)["concepts"]
        lines = [_seen(score) for score in scores]
        if work.describe is not None:
            nearest = ", ".join(f"{caption!r} ({cosine:.2f})" for caption, cosine in work.describe(pixels))
            lines.append(f"nearest captions, by cosine: {nearest}")
        text = f"{image_id}:\n" + "\n".join(lines)
        return text, {"image_id": image_id, "concepts": scores}

    def propose_captions(
        concepts: Annotated[list[str], Field(description="the missing concepts, one entry each")],
        per_concept: Annotated[int, Field(description="captions per concept, 1..5")] = 1,
    ) -> ToolResult:
        """Write stand-alone captions to search with: each describes one missing concept and nothing else."""
        work = session()
        if not concepts:
            raise InvalidArgument("concepts is empty; name at least one missing concept")
        _within("per_concept", per_concept, 1, 5)
        wanted = _texts("concepts", concepts, MAX_CONCEPTS)
        captions = work.components.writer.captions(work.prompt, wanted, per_concept)
        for concept, name in named_by_quotes(work.quotes).items():
            if concept in captions:  # what a fact is called finds pictures that its description doesn't
                captions[concept] = list(dict.fromkeys([name, *captions[concept]]))[:per_concept]
                work.emit({"event": "note", "text": f"{concept!r} is looked up as {name!r}, by what was quoted"})
        work.emit({"event": "captions", "captions": captions})
        entries = [{"concept": concept, "caption": text} for concept, of_it in captions.items() for text in of_it]
        lines = [f"{entry['concept']}: {entry['caption']}" for entry in entries]
        return "\n".join(lines), {"captions": entries}

    def search_references(
        captions: Annotated[
            list[Caption], Field(description="stand-alone captions; several per concept are searched in one pass")
        ],
        k: Annotated[int, Field(description=f"references per concept, 1..{MAX_K}")] = 3,
    ) -> ToolResult:
        """Search the reference library for images of missing concepts. Returns ids to regenerate with, best first."""
        work = session()
        _within("k", k, 1, MAX_K)
        _at_most("captions", captions, MAX_CAPTIONS)
        pairs = [(_text("concept", entry.concept), _text("caption", entry.caption)) for entry in captions]
        if not pairs:
            raise InvalidArgument("captions is empty; give at least one caption per missing concept")
        best, nothing = look_up(work, pairs, k)
        records: list[ReferenceRecord] = []
        for concept, of_it in best.items():
            for caption, hit in of_it:
                records += work.add_references(concept, caption, [hit])
        work.emit({"event": "references", "references": records})
        lines = [
            f"{r['id']} for {r['concept']!r}: {r['title']!r}, similarity {r['similarity']:.2f} to {r['caption']!r}"
            for r in records
        ]
        lines += [f"the library has nothing for {caption!r}" for caption in nothing]
        text = "\n".join(lines) or "the library has nothing for these captions"
        return text, {"references": records}

    def regenerate_with_references(
        prompt: Annotated[str, Field(description="the whole picture in words, as for generate")],
        reference_ids: Annotated[list[str], Field(description="ids from search_references, such as ref-1")],
        reference_scale: Annotated[float, Field(description="0..1, how strongly the references count")] = 0.5,
        image_id: Annotated[str | None, Field(description="the image this is a redraw of")] = None,
        seed: Annotated[int | None, Field(description="0..4294967295; leave out for a new one")] = None,
    ) -> ToolResult:
        """Draw the picture again with reference images for what was missing. The user's own images always count too."""
        work = session()
        if not 0 <= reference_scale <= 1:
            raise InvalidArgument(f"reference_scale {reference_scale!r} is outside 0..1")
        _at_most("reference_ids", reference_ids, MAX_IDS)
        references = work.picked_references(reference_ids)
        references = [*work.subjects, *(r for r in references if r["kind"] != "subject")]
        if not references:
            raise InvalidArgument("reference_ids is empty; name references, or call generate to draw without")
        generator = work.components.generator
        references, left_out = references[: generator.max_references], references[generator.max_references :]
        if not references:
            raise InvalidArgument(
                f"{generator.name!r} takes no references; call generate, or word the prompt otherwise"
            )
        dropped = ""
        if left_out:  # the user's own come first, then those named first
            ids = ", ".join(record["id"] for record in left_out)
            dropped = f"; left out: {ids}, since {generator.name!r} takes at most {generator.max_references} references"
            work.emit({"event": "note", "text": dropped.removeprefix("; ")})
        parent = work.image(image_id)["id"] if image_id is not None else None
        images = work.draw(_plain(work, prompt), references, reference_scale, _seed(seed), parent)
        with_what = ", ".join(record["id"] for record in references)
        return _drawn(images, f"drawn with {with_what} at scale {reference_scale:g}{dropped}")

    functions = (generate, inspect_image, propose_captions, search_references, regenerate_with_references)
    return [
        StructuredTool.from_function(function, response_format="content_and_artifact", parse_docstring=False)
        for function in functions
    ]


def _drawn(images: list[ImageRecord], how: str) -> ToolResult:
    ids = ", ".join(f"{record['id']} (seed {record['seed']})" for record in images)
    return f"{ids}: {how}", {"images": images}


def _seen(score: ConceptScore) -> str:
    mark = f" ({UNCALIBRATED[score['uncalibrated']]})" if "uncalibrated" in score else ""
    return f"- {score['concept']}: {'present' if score['present'] else 'absent'} ({score['score']:.2f}){mark}"


def _text(name: str, value: str) -> str:
    if not value.strip():
        raise InvalidArgument(f"{name} has an empty text; say what it should show")
    if len(value) > MAX_PROMPT:
        raise InvalidArgument(f"{name} has {len(value)} characters; at most {MAX_PROMPT} are taken")
    return value.strip()


def _texts(name: str, values: Sequence[str], most: int) -> list[str]:
    _at_most(name, values, most)
    return [_text(name, value) for value in values]


def _batched(values: list[str], size: int) -> Iterator[list[str]]:
    """Yield the values in order, so many at a time."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _at_most(name: str, values: Sequence[object], most: int) -> None:
    if len(values) > most:
        raise InvalidArgument(f"{name} has {len(values)} entries; at most {most} are taken in one call")


def _plain(work: ToolSession, prompt: str) -> str:
    """Return a prompt without the syntax of other tools; what of it is not heeded is told."""
    plain = plain_prompt(_text("prompt", prompt))
    for note in plain.notes:
        work.emit({"event": "note", "text": note})
    return plain.text or prompt


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise InvalidArgument(f"{name} {value!r} is outside {low}..{high}")


def _seed(seed: int | None) -> int | None:
    if seed is not None and not 0 <= seed < 2**32:
        raise InvalidArgument(f"seed {seed!r} is outside 0..{2**32 - 1}")
    return seed
