"""Is each photographic profile wired soundly? Real photographs, right and wrong on purpose, through the whole loop.

    python -m benchmarks.wiring [--prompts N]    (0: the combinations of parts alone)

A generator returns the photograph of what the prompt names, or of something else. It is judged by a vision-language
model over HTTP that knows the photographs, and by a small CLIP model calibrated on cuts of them. Prints, for each
profile and judge, how many right ones satisfy after one generation, how many wrong ones ever do, and how many
pictograms are among references and results; then how many combinations of parts are unsound in silence.
"""

import argparse
import itertools
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imagerag.embedders.calibration import Shows
from imagerag.embedders.registry import clip_model, embedded_clip
from imagerag.errors import UserError
from imagerag.generators.base import ImageKind
from imagerag.graphs import Settings, build_graph
from imagerag.graphs.libraries import searchable_libraries
from imagerag.index.user.calibrate import calibrate
from imagerag.index.user.store import UserPictures
from imagerag.profiles import resolve
from testing.openai_server import serving
from testing.photograph_clip import save_captioned, save_photograph_clip
from testing.photograph_vlm import answer
from testing.photographs import PHOTOGRAPHS, Photographer

PROFILES = ("local", "cloud", "comfyui")
GENERATORS = (None, "patchwork", "sdxl", "flux2-klein", "diffusers:some/model", "openai:x@http://127.0.0.1:1/v1",
              "comfyui:http://127.0.0.1:1")  # fmt: skip
CRITICS = (None, "clip", "clip:embedded", "clip:ViT-B-32:laion2b_s34b_b79k", "openai:x@http://127.0.0.1:1/v1")
CLIP = "ViT-B-32:laion2b_s34b_b79k"
LOOKUP_MODELS = (None, "embedded", CLIP, f"{CLIP},embedded")
RERANKS = ("none", "vlm", "subject")
NAMED: dict[str, Shows] = {"photos": "photographs", "icons": "pictograms"}
"""Libraries of the person's own that have a name, and what somebody said that their pictures show."""
KINDS: tuple[ImageKind, ...] = ("photographs", "pictograms", "any")
LIBRARIES = (None, ("bundled",), ("own",), ("bundled", "own"), ("photos",), ("icons",), ("photos", "icons", "bundled"))


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


def is_unsound(makes: str, critic: str, library: Sequence[str], models: Sequence[str], rerank: str) -> bool:
    """Tell whether photographs would be judged by, conditioned on or searched with what knows pictograms alone.

    Written apart from ``imagerag.profiles.soundness``, which it checks.
    """
    if makes == "pictograms":
        return False
    if critic in ("clip", "clip:embedded") or "bundled" in library:
        return True
    used = any(name != "bundled" for name in library) or rerank == "subject"
    stands_in = not critic.startswith("clip") and models[0] == "embedded"
    return "embedded" in models and (used or stands_in)


def unsound_in_silence() -> tuple[int, int, int]:
    """Return the combinations tried, those that are unsound and told or refused, and those unsound in silence."""
    tried = told = silent = 0
    for generator, critic, library, profile, lookup_model, rerank in itertools.product(
        GENERATORS, CRITICS, LIBRARIES, (None, "pictograms", *PROFILES), LOOKUP_MODELS, RERANKS
    ):
        tried += 1
        try:
            asked = resolve(
                Settings(
                    generator=generator,
                    critic=critic,
                    library=library,
                    profile=profile,
                    lookup_model=lookup_model,
                    rerank=rerank,
                )
            )
        except UserError:
            told += 1
            continue
        if is_unsound(asked.makes, asked.critic, asked.library, asked.lookup_models, asked.rerank):
            heard = any("draws photographs" in note for note in asked.notes)
            told += heard
            silent += not heard
    return tried, told, silent


def searched_in_silence(home: Path) -> tuple[int, int, int]:
    """Return the same of what is searched: libraries said to show pictograms, or indexed with another model.

    Args:
        home: an empty data directory.
    """
    for name, shows in NAMED.items():
        own = UserPictures(home, embedded_clip(), library=name)
        own.add([_picture(home / name)])
        calibrate(own, shows=shows)
        own.close()
    tried = told = silent = 0
    names = [subset for size in (1, 2) for subset in itertools.combinations(NAMED, size)]
    for library, model, named, makes in itertools.product(names, ("embedded", CLIP), (False, True), KINDS):
        tried += 1
        try:
            usable, notes = searchable_libraries(home, library, [model], named, makes)
        except UserError:
            told += 1
            continue
        pictograms = makes == "photographs" and "icons" in usable
        unsound = pictograms or (model != "embedded" and bool(usable))
        told += unsound and bool(notes)
        silent += unsound and not notes
    return tried, told, silent


def _picture(folder: Path) -> Path:
    folder = folder.with_name(f"{folder.name}-pictures")
    folder.mkdir(parents=True)
    PHOTOGRAPHS[0].open().resize((64, 64)).save(folder / "one.png")
    return folder


def main() -> None:
    """Print the rows."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--prompts", type=int, default=len(PHOTOGRAPHS), help="0: the combinations alone")
    chosen = options.parse_args()
    for key in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY"):
        os.environ.pop(key, None)
    prompts = [f"a photo of a {one.subject}, 85mm lens" for one in PHOTOGRAPHS[: chosen.prompts]]
    if prompts:
        print_runs(prompts)
    print_combinations()


def print_runs(prompts: list[str]) -> None:
    """Print a row for each profile and judge."""
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


def print_combinations() -> None:
    """Print how many combinations of parts are unsound, and how many of those in silence."""
    tried, told, silent = unsound_in_silence()
    print(
        f"{tried} combinations of profile, generator, critic, library, look-up model and rerank: {told} refused or "
        f"told, {silent} silent"
    )
    with tempfile.TemporaryDirectory() as folder:
        tried, told, silent = searched_in_silence(Path(folder))
    print(f"{tried} of named libraries, models and what is drawn: {told} refused or told, {silent} silent")


if __name__ == "__main__":
    main()
