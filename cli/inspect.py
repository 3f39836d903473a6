"""``imagerag inspect``: what a picture's file tells of how it was made, and whether it is still that picture."""

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, TextIO

from imagerag.attribution import quote_line
from imagerag.cli.terminal import printable, say, say_json
from imagerag.shell_words import quoted

if TYPE_CHECKING:
    from imagerag.provenance.inspection import Inspection
    from imagerag.provenance.reading import ContentCredentials
    from imagerag.store.manifest import Manifest

STATUS = {"intact": 0, "changed": 1, "invalid": 1, "not verified": 0, "without credentials": 3}
UNVERIFIED = 2
"""Where a library is missing that would verify."""
SHOWN = 12
"""Ingredients that are printed; ``--json`` has all."""


def inspect(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print what the file tells, and return the exit status.

    Raises:
        UserError: the file is no PNG, JPEG or WebP, or can't be read; or that of ``--trust`` can't be.
    """
    from imagerag.provenance.inspection import inspect_file
    from imagerag.provenance.signing import read_anchors

    anchors = read_anchors(options.trust) if options.trust is not None else ""
    found = inspect_file(options.file, anchors)
    if options.json:
        say_json(_document(found), stdout)
    else:
        say("\n".join(_lines(found)), file=stdout)
    if found.credentials is not None and found.credentials.state == "not verified":
        return STATUS[found.verdict] or UNVERIFIED
    return STATUS[found.verdict]


def _document(found: "Inspection") -> dict[str, object]:
    from imagerag.provenance.sources import sources_of

    manifest = found.manifest
    return {
        "file": found.file,
        "format": found.format,
        "size": list(found.size) if found.size is not None else None,
        "verdict": found.verdict,
        "pixels": found.pixels,
        "digital_source_types": list(found.source_types),
        "manifest": manifest.model_dump(mode="json") if manifest is not None else None,
        "manifest_problem": found.manifest_problem or None,
        "replayable": found.replayable,
        "xmp": found.packet._asdict() if found.packet is not None else None,
        "c2pa": asdict(found.credentials) if found.credentials is not None else None,
        "attributions": [source.attribution for source in sources_of(manifest)] if manifest is not None else [],
    }


def _lines(found: "Inspection") -> Iterator[str]:
    from imagerag.store.digital_source import meaning

    size = "that is not decoded here" if found.size is None else f"{found.size[0]}x{found.size[1]}"
    yield f"{printable(found.file)}: {found.verdict}"
    yield f"  file      {found.format.upper()}, {size}"
    yield f"  pixels    {_pixels(found)}"
    if found.source_types:
        for address in found.source_types:
            yield f"  source    {printable(meaning(address))} ({printable(address)})"
    if found.manifest_problem:
        yield f"  manifest  damaged: {printable(found.manifest_problem)}"
    if found.manifest is not None:
        yield from _of_manifest(found.manifest, found.replayable, found.file)
    if found.credentials is not None:
        yield from _of_c2pa(found.credentials)
    elif found.elsewhere:
        yield f"  C2PA      the manifest lies at {printable(found.elsewhere)}, and was not fetched"
    else:
        yield "  C2PA      none"
    if found.verdict == "without credentials":
        yield "  Nothing in the file tells how it was made. Of the picture that says nothing: any program can strip it."


def _pixels(found: "Inspection") -> str:
    state = found.credentials.state if found.credentials is not None else ""
    signed = state in ("trusted", "valid")
    if found.pixels == "unchanged":
        return "unchanged since it was signed" if signed else f"as the manifest says, {_of_its_signature(state)}"
    if found.credentials is not None and found.credentials.changed:
        return "changed: the file is not the one that was signed"
    if found.pixels == "changed":
        lossy = "" if found.format == "png" else ", or were encoded again"
        return f"changed: they are not those that the manifest tells of{lossy}"
    if state == "expired":
        return "those that were signed, by a certificate that is not valid now"
    if state == "invalid":
        return "unknown: the signature that would tell doesn't hold"
    return "unknown: nothing in the file says what they were"


def _of_its_signature(state: str) -> str:
    return "which is signed by a certificate that is not valid now" if state == "expired" else "which is not signed"


def _of_manifest(manifest: "Manifest", replayable: bool, file: str) -> Iterator[str]:
    generator = f"{printable(manifest.generator)} {printable(manifest.generator_revision)}"
    yield f"  drawn     {printable(manifest.prompt)!r}, seed {manifest.seed}, by {generator}"
    made = f" at {printable(manifest.created)}" if manifest.created else ""
    yield f"  by        imagerag {printable(manifest.versions.get('imagerag', '?'))}{made}"
    count = len(manifest.references)
    if count:
        command = printable(quoted(["imagerag", "credits", file]))
        yield f"  with      {count} reference{'s' * (count > 1)}; whom to thank: {command}"
    for quote in manifest.quotes:
        yield f"  read      {printable(quote_line(quote.model_dump()))}"
    if not replayable:
        drawn = f" of pixels {printable(manifest.copy_of[:12])}..." if manifest.copy_of else ""
        yield f"  copy      of a drawing{drawn}, in another size or format; nothing draws these pixels again"


def _of_c2pa(credentials: "ContentCredentials") -> Iterator[str]:
    from imagerag.extras import missing

    if credentials.state == "not verified":
        yield f"  C2PA      there is a manifest; {missing('c2pa', 'c2pa', 'reading and verifying it')}"
        return
    by = ", ".join(printable(one) for one in (credentials.signer, credentials.issuer) if one) or "nobody who is named"
    state = {
        "trusted": "signed by a certificate that --trust leads to",
        "valid": "signed; who has issued the certificate is not known here (--trust FILE names authorities)",
        "expired": "signed, by a certificate that is not valid now, and no authority says that it was then",
        "invalid": "INVALID: file or manifest are not what was signed",
    }[credentials.state]
    yield f"  C2PA      {state}"
    yield f"  signer    {by}{f', at {printable(credentials.signed)}' if credentials.signed else ''}"
    if credentials.program:
        yield f"  program   {printable(credentials.program)}"
    for ingredient in credentials.ingredients[:SHOWN]:
        told = printable(ingredient.description or ingredient.title) or "untitled"
        link = f" {printable(ingredient.link)}" if ingredient.link and ingredient.link not in told else ""
        yield f"  made of   {told}{link}"
    if (more := len(credentials.ingredients) - SHOWN) > 0:
        yield f"  made of   and {more} more"
    for problem in credentials.problems:
        yield f"  problem   {printable(problem)}"
