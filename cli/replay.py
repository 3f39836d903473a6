"""``imagerag replay``: draws an image again from the manifest it carries, and compares the pixels."""

import argparse
import contextlib
import re
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypedDict

from imagerag.cli.terminal import printable, say, say_json
from imagerag.credentials import without_query
from imagerag.declaration import declared_settings
from imagerag.errors import InvalidArgument, UserError
from imagerag.lora import LoraName
from imagerag.profiles.resolve import resolve
from imagerag.settings import LIBRARIES, Settings, load_settings
from imagerag.shell_words import quoted

if TYPE_CHECKING:
    from PIL import Image

    from imagerag.cli.progress import ProgressBars
    from imagerag.generators.base import Drawing, Generator, Redraw, Reference
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
    """What has another version now, or computes in another way, than when the file was drawn: [then, now]."""
    replayed: str | None
    """Path of the new drawing, with ``--out``."""


def replay(options: argparse.Namespace, stdout: TextIO) -> int:
    """Draw the file again, print how the two compare, and return 0 if they are identical, else 1.

    Only a generator that comes with imagerag is loaded because the file names it. The file may be anybody's: of any
    other the name is a model to fetch, a package to import, or an address to send keys and pictures to.

    Raises:
        UserError: no manifest in the file, a generator that was not said again, or a generator or reference image that
            is not here.
    """
    from imagerag.cli.progress import ProgressBars
    from imagerag.graphs.components import Components
    from imagerag.graphs.nodes.intake import check_prompt
    from imagerag.store.manifest import read_manifest
    from imagerag.store.output_files import make_folder, write_new

    file = Path(options.file)
    manifest = read_manifest(file)
    folder = make_folder(options.out) if options.out is not None else None
    try:
        check_prompt(manifest.prompt)  # the file may be anybody's, and long prompts take long to read
        generator = _generator(manifest, options, file)
        loras = _loras(manifest, options, file)
        # Whatever it was drawn with, and by whichever profile: references are found in all there is.
        asked = {"home": options.home, "generator": generator, "lora": loras, "library": LIBRARIES}
        asked["fast"] = "fast" in manifest.facts
        components = Components(resolve(load_settings({**asked, **_held(manifest, load_settings(asked))})))
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
        comparison["replayed"] = str(
            write_new(folder.absolute(), f"{file.stem}-replayed", ".png", _new_file(drawn.image, manifest, components))
        )
    if options.json:
        say_json(comparison, stdout)
    else:
        say("\n".join(_told(comparison)), file=stdout, flush=True)
    return IDENTICAL if comparison["identical"] else DIFFERENT


COMPUTED = ("device", "dtype", "attention", "memory", "batch")
"""Facts of a drawing on which its pixels depend in their last bits; of ``memory`` that it was ``4bit`` or not."""


def _held(manifest: "Manifest", settings: Settings) -> dict[str, str]:
    """Return in which numbers the weights were held, where a local model draws on a device of the same kind now.

    On another one the pixels differ all the same, and it may not compute in those.
    """
    from imagerag.device_settings import DTYPES

    dtype = manifest.facts.get("dtype")
    if dtype not in DTYPES:
        return {}
    from imagerag.devices import choose_device

    if choose_device(settings.device_settings).type != manifest.facts.get("device"):
        return {}
    return {"dtype": str(dtype), **({"memory": "4bit"} if manifest.facts.get("memory") == "4bit" else {})}


def _computed(*facts: "Mapping[str, object]") -> list[dict[str, str]]:
    """Return how each of several drawings was computed, in words, as far as all of them tell."""
    told = []
    for one in facts:
        words = {name: str(one[name]) for name in COMPUTED if all(name in other for other in facts)}
        words["batch"] = str(one.get("batch", "none"))
        if words.get("memory", "4bit") != "4bit":
            words["memory"] = "16 bits or more"
        told.append(words)
    return told


def _generator(manifest: "Manifest", options: argparse.Namespace, file: Path) -> str:
    """Return the generator that draws: the recorded one if it is embedded, else the same as it was given.

    Raises:
        UserError: there is no such generator, it was not given, or another one was.
    """
    from imagerag.generators.registry import GENERATORS, check_generator

    recorded, given = manifest.generator, options.generator
    check_generator(recorded)
    command = _command(manifest, file)
    if given is not None and not _is_the_same(recorded, given):
        raise UserError(f"--generator {given!r} is not what it says that it was drawn with, {recorded!r}: {command}")
    if given is None and recorded not in GENERATORS:
        raise UserError(
            f"it names the generator {recorded!r}, and a file may be anybody's, so only what comes with imagerag draws "
            f"unasked; if you want that one, say so: {command}"
        )
    return recorded if given is None else given


def _command(manifest: "Manifest", file: Path) -> str:
    """Return the command that says again what a manifest names."""
    loras = [f"--lora={LoraName(one.name, one.weight)}" for one in manifest.loras]
    return "imagerag replay " + quoted([str(file), "--generator", manifest.generator, *loras])


def _loras(manifest: "Manifest", options: argparse.Namespace, file: Path) -> tuple[str, ...]:
    """Return the LoRA weights to draw with, as they were given: each is that which the manifest names at its place.

    Raises:
        UserError: they were not given, or others were.
    """
    given = [LoraName.parse(text) for text in options.lora or ()]
    recorded = [LoraName(one.name, one.weight) for one in manifest.loras]
    names = [(Path(one.where).name, one.weight) for one in given]
    if names != [(Path(one.where).name, one.weight) for one in recorded]:
        listed = ", ".join(map(str, recorded)) or "none"
        raise UserError(
            f"it was drawn with these LoRA weights: {listed}, and a file may be anybody's, so none is loaded unasked; "
            f"if you want that, say so: {_command(manifest, file)}"
        )
    return tuple(map(str, given))


def _check_files(manifest: "Manifest", generator: "Generator", file: Path) -> None:
    """Refuse a checkpoint or LoRA weights that have the names of those in the manifest, and are others.

    Raises:
        UserError: naming the one that differs.
    """
    from imagerag.generators.base import DrawsWithLoras

    recorded_file = manifest.facts.get("file_sha256")
    loaded_file = getattr(generator, "file_sha256", None)
    if recorded_file is not None and loaded_file != recorded_file:
        raise UserError(
            f"{str(file)!r} was drawn by a checkpoint of sha256 {str(recorded_file)[:12]}..., and the one given has "
            f"{str(loaded_file)[:12]}...; give --generator that file"
        )
    loaded = generator.loras if isinstance(generator, DrawsWithLoras) else ()
    for recorded, lora in zip(manifest.loras, loaded, strict=True):
        if recorded.sha256 != lora.sha256:
            raise UserError(
                f"{str(file)!r} was drawn with a LoRA {recorded.name!r} of sha256 {recorded.sha256[:12]}..., and the "
                f"one given has {lora.sha256[:12]}...; give --lora that file"
            )


def _is_the_same(recorded: str, given: str) -> bool:
    """Tell whether a name means the recorded generator, whose folders, passwords and keys a manifest may leave out."""
    return without_query(recorded) in (plain := without_query(given), _without_folders(plain)) or (
        _without_folders(without_query(recorded)) == plain
    )


def _without_folders(name: str) -> str:
    """Return the name of a generator with the path of a file or folder in it cut down to its last part."""
    prefix, colon, rest = name.partition(":")
    file, at, address = re.fullmatch(r"(.*?)(@?)((?:https?://.*)?)", rest, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{prefix}{colon}{Path(file).name}{at}{address}"


def _draw_again(manifest: "Manifest", components: "Components", file: Path, bars: "ProgressBars") -> "Drawing":
    from imagerag.generators.base import DrawControl, DrawRequest
    from imagerag.generators.sizing import draw_sized
    from imagerag.picture_size import PictureSize
    from imagerag.store.moderation import refusal

    seeds = _seeds(manifest, file)
    request = DrawRequest(
        manifest.prompt,
        seeds,
        tuple(_reference(reference, components, file) for reference in manifest.references if not reference.worded),
        manifest.reference_scale,
        PictureSize.parse(manifest.size) if manifest.size else None,
        len(seeds) > 1,
        manifest.negative,
        _redraw(manifest, components, file),
    )
    _check_files(manifest, components.generator, file)
    try:
        control = DrawControl(on_step=lambda done, total: bars.update("drawing", done, total))
        drawings = draw_sized(components.generator, request, control)
    except InvalidArgument as error:
        raise UserError(f"{str(file)!r} can't be drawn again by this version: {error}") from error
    drawn = next((drawing for drawing in drawings if drawing.seed == manifest.seed), None)
    if drawn is None:
        raise UserError(f"{str(file)!r} can't be drawn again: what its seed makes now is withheld by a safety checker")
    if reason := refusal(drawn.image, "drawn"):
        raise UserError(f"{str(file)!r} is not drawn again: the drawing may not be shown ({reason})")
    return replace(drawn, image=drawn.image.convert("RGB"))


def _seeds(manifest: "Manifest", file: Path) -> tuple[int, ...]:
    """Return the seeds that were drawn at once, of which the manifest's is one: its pixels depend on the others.

    Raises:
        UserError: what the manifest says of them makes no sense.
    """
    batch = manifest.facts.get("batch", [manifest.seed])
    most = declared_settings(Settings)["n"].high
    assert most is not None
    is_sound = isinstance(batch, list) and all(isinstance(seed, int) for seed in batch)
    if not is_sound or manifest.seed not in batch or len(batch) > most:
        raise UserError(
            f"{str(file)!r} says that it was drawn at once with seeds {str(batch)[:80]}, which is no list of at most "
            f"{most:g} with its own, {manifest.seed}; the file is damaged"
        )
    return tuple(batch)


def _redraw(manifest: "Manifest", components: "Components", file: Path) -> "Redraw | None":
    """Open the image of which a part was drawn anew, and its mask.

    Raises:
        UserError: they are not in the data directory.
    """
    from imagerag.generators.base import Redraw
    from imagerag.store.png import on_white

    recorded = manifest.redrawn
    if recorded is None:
        return None
    try:
        image, mask = (components.store.open(address) for address in (recorded.image, recorded.mask))
    except (UserError, InvalidArgument) as error:
        raise UserError(
            f"{str(file)!r} is an image of which a part was drawn anew, and that image, or its mask, is not in "
            f"{str(components.home)!r}; give the data directory that has {recorded.image[:12]}... with --home DIR"
        ) from error
    return Redraw(on_white(image), mask.convert("L"), recorded.prompt, recorded.image, recorded.mask)


def _reference(recorded: "ManifestReference", components: "Components", file: Path) -> "Reference":
    from imagerag.generators.base import Reference
    from imagerag.generators.isolation import Region, isolated

    try:
        image = (components.index.image if recorded.kind == "retrieved" else components.store.open)(recorded.sha256)
    except (UserError, InvalidArgument, KeyError, OSError) as error:
        what = recorded.title or recorded.caption
        raise UserError(
            f"{str(file)!r} was drawn with the {recorded.kind} image {what!r}, which is not in "
            f"{str(components.home)!r}; "
            f"give the data directory that has {recorded.sha256[:12]}... with --home DIR"
        ) from error
    region = None if recorded.region is None else Region(recorded.region, recorded.cut_out, recorded.masked)
    try:
        return isolated(Reference(image, recorded.concept, recorded.kind, recorded.sha256), region)
    except InvalidArgument as error:
        raise UserError(f"{str(file)!r}: {error}; the file is damaged") from error


def _compare(file: Path, drawn: "Drawing", manifest: "Manifest", components: "Components") -> Comparison:
    import numpy as np
    from PIL import Image

    from imagerag.store.manifest import Manifest

    try:
        with Image.open(file) as opened:
            then = np.asarray(opened.convert("RGB"), np.int16)
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"the pixels of {str(file)!r} can't be read ({error}); give an undamaged copy") from error
    now = np.asarray(drawn.image, np.int16)
    pixels = max(then.shape[0] * then.shape[1], now.shape[0] * now.shape[1])
    if then.shape == now.shape:
        difference = np.abs(then - now).max(axis=2)
        differing, greatest = int((difference > 0).sum()), int(difference.max())
    else:
        differing, greatest = pixels, 255
    computed = _computed(manifest.facts, drawn.facts)
    recorded = {**manifest.versions, "generator": manifest.generator_revision, **computed[0]}
    fresh = Manifest.new(prompt="", seed=0, generator="", generator_revision=components.generator.revision)
    current = {**fresh.versions, "generator": fresh.generator_revision, **computed[1]}
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


def _new_file(drawn: "Image.Image", manifest: "Manifest", components: "Components") -> bytes:
    """Return the new drawing as a file that says of itself how and by which versions it was drawn, and when."""
    from imagerag.generators.base import source_type
    from imagerag.store.exports import drawing_file
    from imagerag.store.manifest import Manifest

    generator = components.generator
    fresh = Manifest.new(prompt="", seed=0, generator="", generator_revision=generator.revision)
    told = {name: getattr(fresh, name) for name in ("generator_revision", "versions", "created")}
    told |= {
        "verdict": None,
        "source_type": source_type(generator, [one for one in manifest.references if not one.worded]),
    }
    return drawing_file(drawn, manifest.model_copy(update=told), components.store.signer)


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
        lines.append(f"  {printable(name)} was {printable(then)}, is {printable(now)}")
    if not comparison["identical"] and not comparison["versions"]:
        lines.append("  all recorded versions are the same: the file was changed, or another processor drew it")
    if comparison["replayed"] is not None:
        lines.append(comparison["replayed"])
    return lines
