"""What a request takes over from an image that is drawn once more: the prompt is only a part of what that shows."""

from dataclasses import dataclass
from typing import Any

from imagerag.graphs.state import RedrawRecord
from imagerag.graphs.state_queries import part_redrawn
from imagerag.records import ReferenceRecord
from imagerag.server.database import Entry
from imagerag.server.run_fields import RunFields
from imagerag.server.service import Service


@dataclass(frozen=True)
class DrawnBefore:
    """How an image was drawn.

    Attributes:
        prompt: the whole of it; of an image of which a part was redrawn, what that part was asked to show.
        subjects: the person's own pictures that it was drawn with.
        size: that was asked for, ``1024x768`` or ``16:9``; empty where it was left to the generator.
        negative: what it was not to show; empty for nothing.
        redrawn: the part that was redrawn; ``None`` where all of it was drawn.
    """

    prompt: str
    subjects: tuple[ReferenceRecord, ...]
    size: str
    negative: str
    redrawn: RedrawRecord | None = None

    @classmethod
    def of(cls, service: Service, entry: Entry) -> "DrawnBefore":
        """Read it from the image's manifest, and from the state of its conversation right after its turn.

        Raises:
            FileError: the image is gone.
        """
        manifest = service.manifest(entry)
        state: Any = service.threads.state(entry.client, entry.thread, entry.checkpoint)
        image = next((one for one in state.get("all_images", ()) if one["id"] == entry.name), None)
        if image is None:  # the conversation was deleted, or is a copy from before
            return cls(manifest.prompt, (), manifest.size, manifest.negative)
        own = (one for one in state["all_references"] if one["kind"] == "subject")
        subjects = tuple(one for one in own if one["id"] in image["references"])
        # Generators without a negative prompt get none, so their manifests know of none.
        negative = state.get("run_negative") if image["turn"] == state["turn"] else None
        redrawn = part_redrawn(state, image["turn"])
        prompt = manifest.prompt if redrawn is None else redrawn["words"]
        return cls(prompt, subjects, manifest.size, negative or manifest.negative, redrawn)

    def fields(self, wanted: RunFields) -> dict[str, Any]:
        """Return the fields of a request that it leaves to the image."""
        return {
            "size": wanted.size or self.size,
            "negative": self.negative if wanted.negative is None else wanted.negative,
        }
