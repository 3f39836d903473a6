"""Make the README's picture: one real run of the command line's prompt, drawn from what the graph returned.

python docs/picture_of_a_run.py "a lobster in a kimono" docs/run.png --seed 7
"""

import argparse
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from imagerag.graphs import Settings, build_graph

SIDE, THUMB, GAP, TEXT, LINE = 256, 120, 24, 15, 20
INK, FAINT, PAPER = (32, 33, 36), (110, 114, 120), (250, 250, 248)


def main() -> None:
    """Run the prompt and save the picture."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("prompt")
    options.add_argument("out", type=Path)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    run = build_graph().invoke(
        {"prompt": chosen.prompt, "seed": chosen.seed},
        {"configurable": {"thread_id": "picture"}},
        context=Settings(),
    )
    picture(run).save(chosen.out, optimize=True)
    print(f"{chosen.out}: {len(run['images'])} images, {run['stop_reason']}")


def picture(run: Any) -> Image.Image:
    """Return the run as one picture: each image with its verdict, and between them what was looked up."""
    by_id = {reference["id"]: reference for reference in run["references"]}
    columns: list[tuple[str, Any]] = []
    for image in run["images"]:
        references = [by_id[name] for name in image["references"]]
        if references:
            columns.append(("references", references[:4]))
        columns.append(("image", image))
    width = GAP + sum((SIDE if kind == "image" else THUMB) + GAP for kind, _ in columns)
    lines = 1 + max(len(image["verdict"]["concepts"]) for image in run["images"])
    height = GAP + SIDE + LINE * (lines + 1) + GAP // 2
    canvas = Image.new("RGB", (width, height), PAPER)
    pen = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(TEXT)
    x = GAP
    for kind, what in columns:
        if kind == "image":
            _image(canvas, pen, font, x, what, what["id"] == run["image"]["id"])
            x += SIDE + GAP
        else:
            _references(canvas, pen, font, x, what)
            x += THUMB + GAP
    return canvas


def _image(canvas: Image.Image, pen: Any, font: Any, x: int, image: Any, best: bool) -> None:
    drawn = Image.open(image["path"]).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    canvas.paste(drawn, (x, GAP))
    pen.rectangle((x - 1, GAP - 1, x + SIDE, GAP + SIDE), outline=(46, 125, 50) if best else (200, 200, 196), width=2)
    y = GAP + SIDE + 8
    title = f"{image['id']}, score {image['score']:.2f}" + (", returned" if best else "")
    pen.text((x, y), title, INK, font)
    for concept in image["verdict"]["concepts"]:
        y += LINE
        pen.text((x, y), f"{'there' if concept['present'] else 'missing'}: {concept['concept']}", FAINT, font)


def _references(canvas: Image.Image, pen: Any, font: Any, x: int, references: list[Any]) -> None:
    y = GAP
    step = min(THUMB, (SIDE - 8) // max(len(references), 1))
    side = step - 8
    for reference in references:
        thumb = Image.open(reference["path"]).convert("RGB").resize((side, side), Image.Resampling.LANCZOS)
        canvas.paste(thumb, (x, y))
        y += step
    y = GAP + SIDE + 8
    for line in ["looked up:", *dict.fromkeys(reference["title"] for reference in references)]:
        pen.text((x, y), line, FAINT, font)
        y += LINE


if __name__ == "__main__":
    main()
