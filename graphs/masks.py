"""A turn that draws a part of an image anew: which image, where, and what the whole is to show then."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from PIL import Image

from imagerag.agent.protocols import Brief, PastImage
from imagerag.errors import UserError
from imagerag.generators.base import Redraw, redraws_parts
from imagerag.generators.masking import read_mask
from imagerag.graphs.components import Components
from imagerag.graphs.conversation import timeline_of
from imagerag.graphs.state import RedrawRecord, State
from imagerag.graphs.state_queries import part_redrawn
from imagerag.records import ImageRecord
from imagerag.store.images import StoredImage
from imagerag.store.png import on_white

ELSEWHERE = "masked-image"
"""Id of an image, known by its manifest, that is none of the thread's; only a writer is told it."""


class Masked(NamedTuple):
    """What is to be redrawn.

    Attributes:
        record: for the state.
        image: of the thread, if it is one of its own.
    """

    record: RedrawRecord
    image: ImageRecord | None


def masked_image(state: State, components: Components, sent: Sequence[StoredImage]) -> tuple[Masked | None, bool]:
    """Return what a mask asks to redraw, if there is one; and whether that is the first of the pictures sent.

    The image is that which ``masked`` names, else the first picture sent, else the one that stands in the thread.

    Raises:
        UserError: there is no such image, the mask can't be used for it, or the generator redraws no parts.
    """
    file = state.get("mask") or components.settings.mask
    if not file:
        return None, False
    _check_generator(components)
    of_thread = {image["sha256"]: image for image in state.get("all_images") or ()}
    first = False
    if named := state.get("masked"):
        address = named if named in components.store else components.store.put_user_image(named).sha256
    elif sent:
        address, first = sent[0].sha256, True
    else:
        timeline, standing = timeline_of(state)
        stands = (
            {image["id"]: image for image in of_thread.values()}.get(timeline[standing]["image"]) if timeline else None
        )
        if stands is None:
            raise UserError(
                "there is no image yet to redraw a part of; give one with --subject, or go on in the thread of one"
            )
        address = stands["sha256"]
    picture = on_white(components.store.open(address))
    mask = read_mask(components.store.open(components.store.put_user_image(file).sha256), picture.size)
    stored = components.store.put_user_image(mask)
    image = of_thread.get(address)
    prompt = image["prompt"] if image is not None else _prompt_of(components, address)
    return Masked({"image": address, "mask": stored.sha256, "prompt": prompt}, image), first


def _check_generator(components: Components) -> None:
    generator = components.generator
    if not redraws_parts(generator):
        raise UserError(
            f"generator {generator.name!r} can't redraw a part of an image, so --mask is of no use; leave it out, or "
            "name one that can: patchwork, a diffusion model with an inpainting pipeline such as sdxl, or openai:MODEL"
        )


def _prompt_of(components: Components, address: str) -> str:
    try:
        return components.store.manifest(address).prompt
    except UserError:  # a person's own has none
        return ""


def history_with(history: list[PastImage], masked: Masked | None) -> list[PastImage]:
    """Return the history in which the image to be redrawn is the one that stands."""
    if masked is None or not masked.record["prompt"]:
        return history
    if masked.image is not None:
        return [replace(one, standing=one.id == masked.image["id"]) for one in history]
    turn = history[-1].turn if history else 0
    elsewhere = PastImage(ELSEWHERE, masked.record["prompt"], turn, standing=True)
    return [*(replace(one, standing=False) for one in history), elsewhere]


def whole_brief(brief: Brief, masked: Masked | None, asked_for: str) -> Brief:
    """Return what the whole image shows after its part is redrawn.

    What is read as a change is one of the whole. Anything else is what the part is to show, beside what was there.
    """
    if masked is None or brief.answer:
        return brief
    shown = masked.record["prompt"]
    prompt = brief.prompt if brief.base is not None or not shown else f"{shown} and {asked_for}"
    return replace(brief, prompt=prompt, base=masked.image["id"] if masked.image is not None else None)


def redrawn_again(brief: Brief, base: ImageRecord | None, state: State, components: Components) -> RedrawRecord | None:
    """Return which part a turn redraws once more: one that only asks for another image like its base, of which a part
    was redrawn; ``None`` for any other.

    Args:
        brief: of the turn.
        base: the image that it goes on from.
        state: of the thread, before the turn.
        components: whose generator draws; one that redraws no parts draws the whole image, which is told.
    """
    if base is None or brief.answer or brief.keep_seed or brief.prompt != base["prompt"]:
        return None
    record = part_redrawn(state, base["turn"])
    if record is None:
        return None
    if not redraws_parts(components.generator):
        components.tell(
            f"all of {base['id']} is drawn again, not only the part that was redrawn: generator "
            f"{components.generator.name!r} redraws no parts"
        )
        return None
    components.tell(f"only the part that was redrawn for {base['id']} is redrawn again")
    return record


def redraw_of(state: State, components: Components) -> Redraw | None:
    """Open what a turn redraws; ``None`` where it draws whole images."""
    record = state.get("run_redraw")
    if not record:
        return None
    image = on_white(components.store.open(record["image"]))
    mask: Image.Image = components.store.open(record["mask"]).convert("L")
    return Redraw(image, mask, record["prompt"], record["image"], record["mask"])
