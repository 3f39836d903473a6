"""The manifest that every PNG of ours carries: all that is needed to draw the same pixels again, and what was thought
of them. It is JSON in an iTXt chunk, so that it survives copying, renaming and sending the file.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ConfigDict, ValidationError

from imagerag.attribution import attribution
from imagerag.credentials import without_credentials
from imagerag.errors import InvalidArgument, UserError
from imagerag.lora import AppliedLora
from imagerag.places import without_place
from imagerag.records import ReferenceKind, ReferenceRecord, Verdict
from imagerag.regular_files import open_regular
from imagerag.store.digital_source import COMPOSITE, TRAINED, SourceType, is_ours
from imagerag.store.files import cannot_read
from imagerag.store.png import NotPng, read_text

KEYWORD = "imagerag"
SCHEMA_VERSION = 1
ADDED = ("size", "loras", "negative", "redrawn", "quotes")
"""Fields that came later, and are empty in the manifests of before."""
ADDED_TO_REFERENCES = ("creator", "link", "licence_link", "region", "cut_out", "masked", "worded")
"""The same of a reference's."""


class ManifestReference(BaseModel):
    """A reference that the image was drawn with, and whom to thank for it."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    concept: str
    kind: ReferenceKind
    caption: str
    title: str = ""
    source: str
    licence: str
    creator: str = ""
    link: str = ""
    licence_link: str = ""
    attribution: str = ""
    """One line of all this, ready to be shown; empty in manifests of before there was one."""
    region: tuple[int, int, int, int] | None = None
    """Left, top, right and bottom in pixels of the part that was drawn with; ``None`` for all of it."""
    cut_out: bool = False
    """Of that part, only the thing itself."""
    masked: bool = False
    """All of the picture, of which only that part can be seen."""
    worded: str = ""
    """What was said of it in the prompt instead of showing it to the generator."""
    path: str = ""
    """Of earlier versions, where it was when the image was drawn; ``sha256`` is what finds it."""

    @classmethod
    def of(cls, record: ReferenceRecord) -> ManifestReference:
        """Take over what the thread's record knows."""
        known = {name: record[name] for name in cls.model_fields if name in record and name != "path"}  # type: ignore[literal-required]
        return cls(**{**known, "attribution": attribution(record)})

    def in_part(self, region: tuple[tuple[int, int, int, int], bool, bool] | None) -> ManifestReference:
        """Return the same with the part that was drawn with, and whether that was cut out, or all else masked; ``None``
        for all of it.
        """
        if region is None:
            return self
        return self.model_copy(update={"region": region[0], "cut_out": region[1], "masked": region[2]})


class ManifestLora(BaseModel):
    """LoRA weights that the image was drawn with: see ``imagerag.lora.AppliedLora``."""

    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    weight: float


class ManifestRedraw(BaseModel):
    """The image of which a part was drawn anew: its address, that of the mask, and what it showed."""

    model_config = ConfigDict(frozen=True)

    image: str
    mask: str
    prompt: str = ""


class ManifestQuote(BaseModel):
    """What an encyclopedia said of a concept before the image was drawn: see ``imagerag.records.QuoteRecord``."""

    model_config = ConfigDict(frozen=True)

    concept: str
    asked: str
    source: str
    title: str
    quote: str
    link: str
    licence: str


class Manifest(BaseModel):
    """How one image was made.

    Attributes:
        schema_version: of this layout.
        prompt, seed, generator, generator_revision, references, reference_scale: the request, as the generator got it.
        size: that was asked for, ``1024x768`` or ``16:9``; empty where it was left to the generator.
        negative: what the picture was not to show, as the generator got it; empty where it takes none.
        redrawn: the image of which a part was drawn anew; ``None`` where all of it was drawn.
        loras: added to the generator's weights, in order.
        quotes: what was read of concepts that are facts, with addresses; data, never instruction.
        facts: what the generator told about the drawing; JSON values.
        versions: of imagerag, torch, diffusers and python, where installed.
        created: UTC, ISO 8601.
        verdict: the critic's ``Verdict``, once there is one.
        pixels: digest of the drawing's pixels, hex; see ``imagerag.store.image_data.pixels_sha256``. Empty in the
            manifests of before there was one, and in those that are not stored yet.
        copy_of: of a copy in another size or format, the digest of the pixels that were drawn.
        source_type: IPTC's term for how the drawing came about; empty in the manifests of before there was one.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: int = SCHEMA_VERSION
    prompt: str
    seed: int
    generator: str
    generator_revision: str
    references: tuple[ManifestReference, ...] = ()
    reference_scale: float = 0.0
    size: str = ""
    loras: tuple[ManifestLora, ...] = ()
    negative: str = ""
    redrawn: ManifestRedraw | None = None
    quotes: tuple[ManifestQuote, ...] = ()
    facts: dict[str, Any] = {}
    versions: dict[str, str] = {}
    created: str = ""
    verdict: dict[str, Any] | None = None
    pixels: str = ""
    copy_of: str = ""
    source_type: str = ""

    @classmethod
    def new(
        cls,
        *,
        prompt: str,
        seed: int,
        generator: str,
        generator_revision: str,
        references: Sequence[ManifestReference] = (),
        reference_scale: float = 0.0,
        size: str = "",
        loras: Sequence[AppliedLora] = (),
        negative: str = "",
        redrawn: ManifestRedraw | None = None,
        quotes: Sequence[ManifestQuote] = (),
        facts: Mapping[str, object] | None = None,
        source_type: SourceType = TRAINED,
    ) -> Manifest:
        """Return the manifest of an image drawn just now by the installed versions.

        Raises:
            InvalidArgument: the prompt holds half a surrogate pair, which no file can.
            TypeError, ValueError: ``facts`` holds what JSON can't.
        """
        try:
            prompt.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InvalidArgument(
                f"prompt {prompt[:80]!r} is not valid Unicode at {error.start}; send it whole"
            ) from error
        return cls(
            prompt=prompt,
            seed=seed,
            generator=without_place(without_credentials(generator)),
            generator_revision=generator_revision,
            references=tuple(references),
            reference_scale=reference_scale,
            size=size,
            loras=tuple(ManifestLora(**asdict(lora)) for lora in loras),
            negative=negative,
            redrawn=redrawn,
            quotes=tuple(quotes),
            facts=json.loads(json.dumps(dict(facts or {}), allow_nan=False), object_hook=_cleaned),
            versions=dict(_versions()),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            source_type=source_type,
        )

    @property
    def term(self) -> SourceType:
        """IPTC's term for how the drawing came about; of an old manifest, by the generator that it names."""
        if is_ours(self.source_type):
            return cast("SourceType", self.source_type)
        return COMPOSITE if self.generator == "patchwork" else TRAINED

    def with_verdict(self, verdict: Verdict) -> Manifest:
        """Return the same manifest with this verdict."""
        return self.model_copy(update={"verdict": dict(verdict)})

    def recipe(self) -> bytes:
        """Return what the address covers besides the pixels: no verdict, date, path hints, nor what follows from the
        rest. Spelt canonically.
        """
        left_out = dict.fromkeys(("verdict", "created", "pixels", "copy_of", "source_type"), True)
        of_references = {"__all__": {"path", "attribution"}}
        kept = self.model_dump(mode="json", exclude={**left_out, "references": of_references})
        # What is left out keeps the address that it had before there was such a field.
        for fields, added in [(kept, ADDED), *((one, ADDED_TO_REFERENCES) for one in kept["references"])]:
            for name in added:
                if not fields[name]:
                    del fields[name]
        return json.dumps(kept, sort_keys=True, separators=(",", ":")).encode("ascii")

    @property
    def names_places(self) -> bool:
        """Whether there is something that only earlier versions wrote: where things were, or passwords of servers."""
        clean = self.without_places()
        paths = any(one.path for one in self.references)
        return paths or (self.generator, self.facts) != (clean.generator, clean.facts)

    def without_places(self) -> Manifest:
        """Return the manifest for people elsewhere: without a word of where things are on this machine.

        Those of earlier versions name it, and servers with their passwords; later ones have none to take out.
        """
        references = tuple(
            one.model_copy(update={"path": "", "title": "" if one.kind == "subject" else one.title})
            for one in self.references
        )
        changes = {
            "references": references,
            "generator": without_place(without_credentials(self.generator)),
            "facts": _cleaned(self.facts),
        }
        return self.model_copy(update=changes)

    def text(self) -> str:
        """Return the JSON that the file carries."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False)


def _cleaned(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: without_credentials(one) if isinstance(one, str) else one for name, one in facts.items()}


def address(pixels: bytes, size: tuple[int, int], mode: str, recipe: bytes = b"") -> str:
    """Return the hex SHA-256 by which the store knows an image of these pixels made by this recipe."""
    digest = hashlib.sha256(f"{mode} {size[0]} {size[1]} {len(recipe)}\n".encode("ascii"))
    digest.update(recipe)
    digest.update(pixels)
    return digest.hexdigest()


def read_manifest(path: str | Path) -> Manifest:
    """Read the manifest of a PNG file, wherever it lies.

    Raises:
        UserError: no such file, not a PNG, no manifest of ours in it, or one that this version can't read.
    """
    try:
        with open_regular(path) as file:
            text = read_text(file, KEYWORD)
    except OSError as error:
        raise cannot_read(path, error) from error
    except NotPng as error:
        raise UserError(f"{str(path)!r} {error}; give a PNG that imagerag made") from error
    if text is None:
        raise UserError(f"{str(path)!r} carries no imagerag manifest; give a PNG that imagerag made")
    return parse_manifest(text, path)


def parse_manifest(text: str, path: str | Path) -> Manifest:
    """Read the JSON of a manifest.

    Args:
        text: anybody's.
        path: of the file that has it, for errors.

    Raises:
        UserError: it is damaged, or of a version that this one can't read.
    """
    try:
        content = json.loads(text)
        version = content["schema_version"]
        if isinstance(version, int) and version > SCHEMA_VERSION:
            raise UserError(
                f"the manifest of {str(path)!r} has schema {version}, newer than {SCHEMA_VERSION}, the newest that "
                "this imagerag reads; upgrade imagerag"
            )
        return Manifest.model_validate(content)
    except (ValidationError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"the manifest of {str(path)!r} is damaged; give an undamaged copy of the file") from error


@lru_cache(maxsize=1)
def _versions() -> tuple[tuple[str, str], ...]:
    found = [("python", platform.python_version())]
    for name in ("imagerag", "torch", "diffusers"):
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue  # a plain checkout, or a generator that needs neither
    return tuple(found)
