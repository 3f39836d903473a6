"""``imagerag credits``: whom to thank for a drawing, and what licences ask of whoever shares it."""

import argparse
from typing import TYPE_CHECKING, TextIO

from imagerag.cli.terminal import printable, say, say_json
from imagerag.errors import UserError

if TYPE_CHECKING:
    from imagerag.provenance.sources import Source


def credits(options: argparse.Namespace, stdout: TextIO) -> int:
    """Print a line for each picture that the drawing was made of, and what their licences ask; return the exit status.

    Raises:
        UserError: the file can't be read, or carries no manifest of ours.
    """
    from imagerag.provenance.inspection import inspect_file
    from imagerag.provenance.sources import sources_of
    from imagerag.store.xmp import LEFT_OUT

    found = inspect_file(options.file)
    if found.manifest is None:
        why = found.manifest_problem or "carries no imagerag manifest"
        raise UserError(
            f"{options.file!r}: {why}; give a picture that imagerag made, or see what it tells: imagerag inspect "
            f"{options.file}"
        )
    sources = sources_of(found.manifest)
    asks = _asks(sources)
    if options.json:
        document = [
            {
                "attribution": one.attribution,
                "concept": one.concept,
                "kind": one.kind,
                "title": one.title,
                "licence": one.licence,
                "link": one.link or None,
                "asks": list(one.asks),
                "sha256": one.sha256,
            }
            for one in sources
        ]
        told = {"file": found.file, "pixels": found.pixels, "sources": document, "asks": asks}
        say_json(told, stdout)
        return 0
    if found.pixels == "changed":
        say("note: the pixels are not those that the file tells of; somebody has changed the picture", file=stdout)
    if LEFT_OUT in found.manifest.facts:
        say(
            "note: the file had no room for all that it is made of; ask for the credits of the drawing itself",
            file=stdout,
        )
    elif not sources:
        say("drawn without references, by a model alone: nobody is to be named", file=stdout)
    for one in sources:
        say(printable(one.attribution), file=stdout)
    if asks:
        say("\nWho shares the picture is asked to:", file=stdout)
    for ask in asks.values():
        say(f"- {ask['words']} ({ask['pictures']})", file=stdout)
    if "share-alike" in asks:
        say(
            "Whether a picture drawn with references is an adaptation of them is for the law where you are; treat one "
            "that shows parts of them as such.",
            file=stdout,
        )
    return 0


def _asks(sources: "list[Source]") -> dict[str, dict[str, object]]:
    """Return what is asked for, each once, with how many pictures and which licences ask for it."""
    from imagerag.provenance.asks import WORDS

    found: dict[str, dict[str, object]] = {}
    for ask, words in WORDS.items():
        asking = [one for one in sources if ask in one.asks]
        if asking:
            licences = ", ".join(sorted({printable(one.licence) or "unknown" for one in asking}))
            count = f"{len(asking)} picture{'s' * (len(asking) > 1)}"
            found[ask] = {"words": words, "pictures": f"{count}: {licences}"}
    return found
