"""C2PA manifests of pictures, anybody's, read and verified by the C2PA SDK."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from imagerag.errors import first_line
from imagerag.provenance.claim import MIME
from imagerag.provenance.signing import SETTINGS
from imagerag.store.image_data import FileFormat, jpeg_segments, webp_chunks
from imagerag.store.png import C2PA as PNG_CHUNK
from imagerag.store.png import NotPng, chunk_names

State = Literal["trusted", "valid", "expired", "invalid", "not verified"]
"""``trusted``: whole, and its certificate leads to an authority that was named; ``valid``: whole, by a certificate that
nobody here knows; ``expired``: whole, by a certificate that is not valid now, and no authority says that it was when it
signed; ``invalid``: file or manifest are not what was signed; ``not verified``: the library for it is not installed."""
UNTRUSTED = "signingCredential.untrusted"
EXPIRED = "signingCredential.expired"
LONGEST = 20
"""Manifests of a history that are looked at."""
CHANGED = {"assertion.dataHash.mismatch", "assertion.boxesHash.mismatch", "assertion.bmffHash.mismatch"}
"""C2PA's codes for a file that is not the one that was signed."""


@dataclass(frozen=True)
class Ingredient:
    """A picture that another was made of, as its maker says."""

    title: str
    relationship: str
    description: str = ""
    link: str = ""


@dataclass(frozen=True)
class ContentCredentials:
    """What a file's newest C2PA manifest says, and whether it holds.

    Attributes:
        state: see there.
        changed: the file is not the one that was signed; ``None`` where that isn't known.
        program: that made the claim.
        signer, issuer: the common name and the organisation of the certificate.
        signed: when, ISO 8601, by a time-stamping authority; empty without one.
        source_types: the addresses that its actions give as source, and those of the pictures that it was edited from.
        ingredients: see there.
        problems: what does not hold, of the ingredients too, in the SDK's words.
    """

    state: State
    changed: bool | None = None
    program: str = ""
    signer: str = ""
    issuer: str = ""
    signed: str = ""
    source_types: tuple[str, ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    problems: tuple[str, ...] = ()


def carries_c2pa(data: bytes, kind: FileFormat) -> bool:
    """Tell whether there is a C2PA manifest in a file, without reading it.

    It lies in a chunk of its own in PNG and WebP, and in a JPEG in segments APP11 (C2PA specification, appendix A.3).
    """
    try:
        if kind == "png":
            return PNG_CHUNK in chunk_names(data)
        if kind == "webp":
            return any(name == b"C2PA" for name, _ in webp_chunks(data))
        return any(marker == 0xEB and b"c2pa" in part for marker, part in jpeg_segments(data))
    except (NotPng, ValueError):
        return False  # whoever decodes it tells


def c2pa_installed() -> bool:
    """Tell whether the C2PA SDK is installed."""
    return importlib.util.find_spec("c2pa") is not None


def read_credentials(data: bytes, kind: FileFormat, anchors: str = "") -> ContentCredentials | None:
    """Return what a file's C2PA manifest says, verified without asking the network; ``None`` where it has none.

    Args:
        data: the file.
        kind: its format.
        anchors: certificates of authorities to be trusted, PEM.
    """
    if not carries_c2pa(data, kind):
        return None
    if not c2pa_installed():
        return ContentCredentials("not verified")
    import c2pa

    trust = {"trust": {"user_anchors": anchors}} if anchors else {}
    try:
        with (
            c2pa.Context.from_dict({**SETTINGS, **trust}) as context,
            c2pa.Reader(MIME[kind], io.BytesIO(data), context=context) as reader,
        ):
            manifest = reader.get_active_manifest() or {}
            source_types = _source_types(_history(manifest, reader.get_manifest))
            results = reader.get_validation_results() or {}
            state = reader.get_validation_state()
    except (c2pa.C2paError, KeyError) as error:  # the latter where it says that a manifest is there which is not
        return ContentCredentials("invalid", problems=(first_line(error),))
    deltas = [delta.get("validationDeltas") or {} for delta in results.get("ingredientDeltas") or []]
    failures = [one for part in (results.get("activeManifest") or {}, *deltas) for one in part.get("failure") or []]
    held: State = {"Trusted": "trusted", "Valid": "valid"}.get(str(state), "invalid")  # type: ignore[assignment]
    # Of ingredients it says nothing of this file that they were changed.
    own = (results.get("activeManifest") or {}).get("failure") or []
    codes = {failure.get("code") for failure in failures}
    if held == "invalid" and EXPIRED in codes and codes <= {EXPIRED, UNTRUSTED}:
        held = "expired"
    changed = any(failure.get("code") in CHANGED for failure in own)
    return _told(manifest, held, changed, source_types, failures)


def _told(
    manifest: dict[str, Any], state: State, changed: bool, source_types: Sequence[str], failures: list[dict[str, Any]]
) -> ContentCredentials:
    signature = manifest.get("signature_info") or {}
    program: dict[str, Any] = next(iter(manifest.get("claim_generator_info") or []), {})
    name = f"{program.get('name', '')} {program.get('version') or ''}".strip() or manifest.get("claim_generator") or ""
    return ContentCredentials(
        state=state,
        changed=changed,
        program=str(name),
        signer=str(signature.get("common_name") or ""),
        issuer=str(signature.get("issuer") or ""),
        signed=str(signature.get("time") or ""),
        source_types=tuple(source_types),
        ingredients=tuple(
            Ingredient(
                str(one.get("title") or ""),
                str(one.get("relationship") or ""),
                str(one.get("description") or ""),
                str(one.get("informational_URI") or ""),
            )
            for one in manifest.get("ingredients") or []
        ),
        problems=tuple(
            f"{failure.get('code')}: {failure.get('explanation') or ''}".removesuffix(": ")
            for failure in failures
            if failure.get("code") != UNTRUSTED
        ),
    )


def _history(manifest: dict[str, Any], named: Callable[[str], dict[str, Any] | None]) -> list[dict[str, Any]]:
    """Return a manifest, and those of the pictures that it is a newer state of, as far as the file has them.

    An editor, or a service that converts what it has generated, opens a picture: what that is stands with the picture.
    """
    found = [manifest]
    labels: set[str] = set()
    for one in found:
        for ingredient in one.get("ingredients") or []:
            label = ingredient.get("active_manifest")
            if ingredient.get("relationship") == "parentOf" and label and label not in labels and len(found) < LONGEST:
                labels.add(label)
                found.append(named(label) or {})
    return found


def _source_types(manifests: Sequence[dict[str, Any]]) -> list[str]:
    """Return the sources of all actions, each once, without those of empty canvases."""
    found = []
    for assertion in (assertion for manifest in manifests for assertion in manifest.get("assertions") or []):
        if str(assertion.get("label", "")).startswith("c2pa.actions"):
            actions = (assertion.get("data") or {}).get("actions") or []
            found += [str(action["digitalSourceType"]) for action in actions if action.get("digitalSourceType")]
    return [one for one in dict.fromkeys(found) if not one.endswith("/empty")]
