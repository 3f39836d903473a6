"""Is each photographic profile wired soundly? Real photographs, right and wrong on purpose, through the whole loop.

    python -m benchmarks.wiring [--prompts N]

A generator returns the photograph of what the prompt names, or of something else. It is judged by a vision-language
model over HTTP that knows the photographs, and by a small CLIP model calibrated on cuts of them. Prints, for each
profile and judge, how many right ones satisfy after one generation, how many wrong ones ever do, and how many
pictograms are among references and results; then how many combinations of parts are unsound in silence.
"""

import argparse
import itertools
import os
import tempfile
from pathlib import Path
from typing import Any

from imagerag.embedders.registry import clip_model
from imagerag.errors import UserError
from imagerag.graphs import Settings, build_graph
from imagerag.index.user.calibrate import calibrate
from imagerag.index.user.store import UserPictures
from imagerag.profiles import resolve
from imagerag.profiles.soundness import unsound_parts
from testing.openai_server import serving
from testing.photograph_clip import save_captioned, save_photograph_clip
from testing.photograph_vlm import answer
from testing.photographs import PHOTOGRAPHS, Photographer

PROFILES = ("local", "cloud", "comfyui")
GENERATORS = (None, "patchwork", "sdxl", "flux2-klein", "diffusers:some/model", "openai:x@http://127.0.0.1:1/v1",
              "comfyui:http://127.0.0.1:1")  # fmt: skip
CRITICS = (None, "clip", "clip:embedded", "clip:ViT-B-32:laion2b_s34b_b79k", "openai:x@http://127.0.0.1:1/v1")
LIBRARIES = (None, ("bundled",), ("own",), ("bundled", "own"))


def prepare(folder: Path) -> str:
    """Train the CLIP model, index captioned cuts of the photographs with it, and return the model's name."""
    model = str(save_photograph_clip(folder / "clip"))
    own = UserPictures(folder / "home", clip_model(model))
    own.add([save_captioned(folder / "captioned")])
    print(f"calibrated on {calibrate(own).captioned} captioned cuts", flush=True)
    own.close()
    return model


def run(settings: Settings, prompt: str, right: bool) -> dict[str, Any]:
    """Return the outcome of one run with right or wrong photographs, and whether pictograms had a part in it."""
    generator = Photographer(right=right)
    graph = build_graph(generator=generator)
    config: Any = {"configurable": {"thread_id": f"{prompt}-{right}"}}
    result = graph.invoke({"prompt": prompt, "seed": 1}, config, context=settings)
    references = [*result["references"], *(r for step in result["images"] for r in step["references"])]
    looked_up = [
        record for record in graph.get_state(config).values["all_references"] if "pictogram" in record["source"]
    ]
    bundled = [record for record in result["references"] if "/library/" in record["path"]]
    return {
        "satisfied": result["stop_reason"] == "satisfied",
        "generations": len(generator.requests),
        "pictograms": len(looked_up) + len(bundled),
        "references": len(references),
        "stop": result["stop_reason"],
    }


def unsound_in_silence() -> tuple[int, int, int]:
    """Return the pairs tried, those that are unsound and told or refused, and those that are unsound in silence."""
    tried = told = silent = 0
    for generator, critic, library, profile in itertools.product(
        GENERATORS, CRITICS, LIBRARIES, (None, "pictograms", *PROFILES)
    ):
        tried += 1
        try:
            asked = resolve(Settings(generator=generator, critic=critic, library=library, profile=profile))
        except UserError:
            told += 1
            continue
        parts = asked.makes, asked.critic, asked.library, asked.lookup_models, asked.rerank
        if unsound_parts(*parts):
            told += bool(asked.notes)
            silent += not asked.notes
    return tried, told, silent


def main() -> None:
    """Print the rows."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--prompts", type=int, default=len(PHOTOGRAPHS))
    chosen = options.parse_args()
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY"):
        os.environ.pop(key, None)
    prompts = [f"a photo of a {one.subject}, 85mm lens" for one in PHOTOGRAPHS[: chosen.prompts]]
    with tempfile.TemporaryDirectory() as folder, serving(answer) as server:
        model = prepare(Path(folder))
        for profile, judge in itertools.product(PROFILES, ("vlm", "clip")):
            critic = server.name if judge == "vlm" else None
            settings = Settings(
                home=str(Path(folder) / "home"), profile=profile, vlm="rules", critic=critic, lookup_model=model
            )
            right = [run(settings, prompt, True) for prompt in prompts]
            wrong = [run(settings, prompt, False) for prompt in prompts]
            at_once = sum(one["satisfied"] and one["generations"] == 1 for one in right)
            print(
                f"{profile:8} judged by {judge:4}: right {at_once} of {len(right)} satisfied after one generation, "
                f"wrong {sum(one['satisfied'] for one in wrong)} of {len(wrong)} ever, "
                f"pictograms {sum(one['pictograms'] for one in [*right, *wrong])}; "
                f"wrong ones ended by {', '.join(sorted({one['stop'] for one in wrong}))}",
                flush=True,
            )
    tried, told, silent = unsound_in_silence()
    print(f"{tried} combinations of profile, generator, critic and library: {told} refused or told, {silent} silent")


if __name__ == "__main__":
    main()
