"""``imagerag replay``: draws an image again from the manifest it carries, and compares the pixels."""

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypedDict

from imagerag.errors import InvalidArgument, UserError
from imagerag.profiles.resolve import resolve
from imagerag.settings import LIBRARIES, load_settings

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.cli.progress import ProgressBars
    from imagerag.generators.base import Reference
    from imagerag.graphs.components import Components
    from imagerag.store.manifest import Manifest, ManifestReference

IDENTICAL, DIFFERENT = 0, 1


class Comparison(TypedDict):
    """How the new drawing compares with the file; the JSON object of ``imagerag replay --json``."""

    file: str
    identical: bool
    differing_pixels: int
    pixels: int
    greatest_difference: int
    """0..255, over all channels."""
    size: list[str]
    """Width x height, [then, now]."""
    versions: dict[str, list[str]]
    """What has another version now than when the file was drawn: [then, now]."""
    replayed: str | None
    """Path of the new drawing, with ``--out``."""


def replay(options: argparse.Namespace, stdout: TextIO) -> int:
    """Draw the file again, print how the two compare, and return 0 if they are identical, else 1.

    Raises:
        UserError: no manifest in the file, or a generator or reference image that is not here.
    """
    from imagerag.cli.progress import ProgressBars
    from imagerag.graphs.components import Components
    from imagerag.store.manifest import read_manifest
    from imagerag.store.output_files import make_folder, write_new
    from imagerag.store.png import encode_png

    file = Path(options.file)
    manifest = read_manifest(file)
    folder = make_folder(options.out) if options.out is not None else None
    try:
        # Whatever it was drawn with, and by whichever profile: references are found in all there is.
        asked = load_settings({"home": options.home, "generator": manifest.generator, "library": LIBRARIES})
        components = Components(resolve(asked))
    except UserError as error:
        raise UserError(f"{str(file)!r} can't be drawn again here: {error}") from error
    bars = ProgressBars(quiet=options.json)
    bars.busy("getting ready")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            drawn = _draw_again(manifest, components, file, bars)
    finally:
        bars.clear()
    comparison = _compare(file, drawn, manifest, components)
    if folder is not None:
        comparison["replayed"] = str(write_new(folder.absolute(), f"{file.stem}-replayed", ".png", encode_png(drawn)))
    if options.json:
        print(json.dumps(comparison, ensure_ascii=False), file=stdout, flush=True)
    else:
        print("\n".join(_told(comparison)), file=stdout, flush=True)
    return IDENTICAL if comparison["identical"] else DIFFERENT


def _draw_again(manifest: "Manifest", components: "Components", file: Path, bars: "ProgressBars") -> "Image.Image":
    from imagerag.generators.base import DrawControl, DrawRequest

    request = DrawRequest(
        manifest.prompt,
        (manifest.seed,),
        tuple(_reference(reference, components, file) for reference in manifest.references),
        manifest.reference_scale,
    )
    try:
        drawings = components.generator.draw(
            request, DrawControl(on_step=lambda done, total: bars.update("drawing", done, total))
        )
    except InvalidArgument as error:
        raise UserError(f"{str(file)!r} can't be drawn again by this version: {error}") from error
    return drawings[0].image.convert("RGB")


def _reference(recorded: "ManifestReference", components: "Components", file: Path) -> "Reference":
    from imagerag.generators.base import Reference

    try:
        image = (components.index.image if recorded.kind == "retrieved" else components.store.open)(recorded.sha256)
    except (UserError, InvalidArgument, KeyError, OSError) as error:
        what = recorded.title or recorded.caption
        raise UserError(
            f"{str(file)!r} was drawn with the {recorded.kind} image {what!r}, which is not in "
            f"{str(components.home)!r}; "
            f"give the data directory that has {recorded.sha256[:12]}... with --home DIR"
        ) from error
    return Reference(image, recorded.concept, recorded.kind, recorded.sha256)


def _compare(file: Path, drawn: "Image.Image", manifest: "Manifest", components: "Components") -> Comparison:
    import numpy as np
    from PIL import Image

    from imagerag.store.manifest import Manifest

    try:
        with Image.open(file) as opened:
            then = np.asarray(opened.convert("RGB"), np.int16)
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"the pixels of {str(file)!r} can't be read ({error}); give an undamaged copy") from error
    now = np.asarray(drawn, np.int16)
    pixels = max(then.shape[0] * then.shape[1], now.shape[0] * now.shape[1])
    if then.shape == now.shape:
        difference = np.abs(then - now).max(axis=2)
        differing, greatest = int((difference > 0).sum()), int(difference.max())
    else:
        differing, greatest = pixels, 255
    recorded = {**manifest.versions, "generator": manifest.generator_revision}
    fresh = Manifest.new(prompt="", seed=0, generator="", generator_revision=components.generator.revision)
    current = {**fresh.versions, "generator": fresh.generator_revision}
    return {
        "file": str(file),
        "identical": differing == 0,
        "differing_pixels": differing,
        "pixels": pixels,
        "greatest_difference": greatest,
        "size": [f"{then.shape[1]}x{then.shape[0]}", f"{now.shape[1]}x{now.shape[0]}"],
        "versions": {
            name: [recorded.get(name, "none"), current.get(name, "none")]
            for name in sorted(recorded.keys() | current.keys())
            if recorded.get(name) != current.get(name)
        },
        "replayed": None,
    }


def _told(comparison: Comparison) -> list[str]:
    lines = []
    if comparison["identical"]:
        lines.append(f"identical: all {comparison['pixels']} pixels of {comparison['file']} are the same")
    elif comparison["size"][0] != comparison["size"][1]:
        then, now = comparison["size"]
        lines.append(f"different: {comparison['file']} has {then} pixels, the new drawing {now}")
    else:
        lines.append(
            f"different: {comparison['differing_pixels']} of {comparison['pixels']} pixels of {comparison['file']} "
            f"differ, by up to {comparison['greatest_difference']} of 255"
        )
    for name, (then, now) in comparison["versions"].items():
        lines.append(f"  {name} was {then}, is {now}")
    if not comparison["identical"] and not comparison["versions"]:
        lines.append("  all recorded versions are the same: the file was changed, or another processor drew it")
    if comparison["replayed"] is not None:
        lines.append(comparison["replayed"])
    return lines
