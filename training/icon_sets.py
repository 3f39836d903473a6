"""Read the five icon sets and emojibase, as npm unpacks them, into concepts and SVG documents.

`npm install @iconify-json/noto @iconify-json/fluent-emoji @iconify-json/fluent-emoji-flat @iconify-json/twemoji
@iconify-json/fxemoji emojibase-data` makes the folder that every function here takes as `modules`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
COMPONENT_GROUP = 2  # skin tones and hair as loose pieces: nothing anybody would ask for


@dataclass(frozen=True)
class IconSet:
    """One icon set: our short name, its npm package, and what its licence asks us to say."""

    name: str
    package: str
    title: str
    licence: str
    holder: str
    url: str


ICON_SETS = (
    IconSet("noto", "noto", "Noto Emoji", "Apache-2.0", "Google LLC", "https://github.com/googlefonts/noto-emoji"),
    IconSet(
        "fluent",
        "fluent-emoji",
        "Fluent Emoji",
        "MIT",
        "Microsoft Corporation",
        "https://github.com/microsoft/fluentui-emoji",
    ),
    IconSet(
        "fluent-flat",
        "fluent-emoji-flat",
        "Fluent Emoji Flat",
        "MIT",
        "Microsoft Corporation",
        "https://github.com/microsoft/fluentui-emoji",
    ),
    IconSet(
        "twemoji",
        "twemoji",
        "Twemoji",
        "CC-BY-4.0",
        "Twitter, Inc and other contributors",
        "https://github.com/jdecked/twemoji",
    ),
    IconSet("fxemoji", "fxemoji", "FxEmojis", "Apache-2.0", "Mozilla Foundation", "https://github.com/mozilla/fxemoji"),
)


@dataclass(frozen=True)
class Concept:
    """One emoji: its plain name (unique), the words people use for it, its group and its code points."""

    name: str
    keywords: tuple[str, ...]
    category: str
    codepoints: str


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def plain_name(label: str) -> str:
    """`Japanese “here” button` -> `japanese here button`: lower case, plain quotes, no colons."""
    name = label.lower().replace("\u2019", "'").replace("\u201c", "").replace("\u201d", "")
    return re.sub(r"\s+", " ", re.sub(r"[:,]", " ", name)).strip()


def _stem(word: str) -> str:
    return re.sub(r"(ies|es|s|y)$", "", word) if len(word) > 3 else word


def says(text: str, query: str) -> bool:
    """Whether `text` contains the words of `query` in a row, singular or plural."""
    have, want = ([_stem(word) for word in re.findall(r"[a-z0-9]+", part.lower())] for part in (text, query))
    return any(have[i : i + len(want)] == want for i in range(len(have) - len(want) + 1))


def read_concepts(modules: Path, withheld: frozenset[str] = frozenset()) -> list[Concept]:
    """Every emoji that is a picture of its own, in emojibase's order.

    `withheld` are the paraphrase benchmark's queries: no keyword may contain one, or the benchmark would test memory.
    Mirrored variants ("man walking facing right") are left out; skin tones are not listed by emojibase as emojis.
    """
    data = modules / "emojibase-data"
    groups = {int(key): value for key, value in _json(data / "meta/groups.json")["groups"].items()}
    shortcodes = [_json(data / f"en/shortcodes/{kind}.json") for kind in ("iamcal", "github", "emojibase")]
    concepts = []
    for row in _json(data / "en/data.json"):
        if row.get("group") in (None, COMPONENT_GROUP) or "facing right" in row["label"]:
            continue
        name = plain_name(row["label"])
        words = [str(tag).lower() for tag in row.get("tags", [])]
        for table in shortcodes:
            codes = table.get(row["hexcode"], [])
            words += [code.replace("_", " ") for code in ([codes] if isinstance(codes, str) else codes)]
        keywords = tuple(
            word
            for word in dict.fromkeys(words)
            if word != name
            and len(word) > 1
            and re.fullmatch(r"[a-z0-9][a-z0-9 '&.-]*", word)
            and not any(says(word, query) for query in withheld)
        )
        category = groups[row["group"]].replace("-", " and ")
        concepts.append(Concept(name, keywords, category, row["hexcode"].replace("-FE0F", "")))
    names = [concept.name for concept in concepts]
    assert len(set(names)) == len(names), "two concepts share a name"
    return concepts


def _fxemoji_codepoints(modules: Path, icons: dict[str, Any], concepts: list[Concept]) -> dict[str, str]:
    """Map FxEmojis' drawings, which carry names only, to code points (see fxemoji_names.tsv)."""

    def squeeze(text: str) -> str:
        return re.sub(r"[^a-z0-9]", "", text.lower())

    data = modules / "emojibase-data"
    unicode_names = _json(data / "meta/unicode-names.json")
    by_name: dict[str, str] = {squeeze(concept.name): concept.codepoints for concept in concepts}
    for concept in concepts:
        by_name.setdefault(squeeze(unicode_names.get(concept.codepoints, concept.name)), concept.codepoints)
    for kind in ("iamcal", "github", "cldr", "emojibase", "joypixels"):
        for hexcode, codes in _json(data / f"en/shortcodes/{kind}.json").items():
            for code in [codes] if isinstance(codes, str) else codes:
                by_name.setdefault(squeeze(code), hexcode.replace("-FE0F", ""))
    overrides = dict(
        line.split("\t")
        for line in (HERE / "fxemoji_names.tsv").read_text(encoding="utf-8").splitlines()
        if not line.startswith("#")
    )
    chosen: dict[str, str] = {}
    for icon in icons:
        wanted = squeeze(plain_name(overrides[icon])) if icon in overrides else squeeze(icon)
        found = by_name.get(wanted)
        if found is None:
            assert not overrides.get(icon), f"fxemoji_names.tsv: no concept called {overrides[icon]!r}"
        elif icon in overrides or found not in chosen:
            chosen[found] = icon
    return chosen


def read_icons(modules: Path, icon_set: IconSet, concepts: list[Concept]) -> Iterator[tuple[Concept, str]]:
    """Yield (concept, SVG document) for each concept the set draws."""
    folder = modules / "@iconify-json" / icon_set.package
    data = _json(folder / "icons.json")
    icons = data["icons"]
    if icon_set.name == "fxemoji":
        by_codepoints = _fxemoji_codepoints(modules, icons, concepts)
    else:
        # the colour set of Fluent ships no table of its own; its icons are called as in the flat set
        table = "fluent-emoji-flat" if icon_set.name == "fluent" else icon_set.package
        chars = _json(modules / "@iconify-json" / table / "chars.json")
        by_codepoints = {}
        for codepoints, icon in chars.items():
            by_codepoints.setdefault(codepoints.upper().replace("-FE0F", ""), icon)
    for concept in concepts:
        icon = by_codepoints.get(concept.codepoints)
        if icon is None or icon not in icons:
            continue
        drawing = icons[icon]
        width = drawing.get("width", data.get("width", 16))
        height = drawing.get("height", data.get("height", 16))
        left, top = drawing.get("left", 0), drawing.get("top", 0)
        yield (
            concept,
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
                f'width="{width}" height="{height}" viewBox="{left} {top} {width} {height}">{drawing["body"]}</svg>'
            ),
        )
