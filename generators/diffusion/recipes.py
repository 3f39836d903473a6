"""Which preset a model without one of its own is asked like, by what its repository says: ``recipes.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from imagerag.generators.diffusion.adapter_fit import misfit
from imagerag.generators.diffusion.preset_files import LLAMA_PARTS
from imagerag.generators.diffusion.presets import Preset

ANY = "*"
"""In a row: whatever value is given."""

DENOISERS = ("transformer", "unet")
"""What a pipeline's denoiser is called, and the folder that it is in."""

LATENT = 8
"""Pixels of a latent's side, in all models with a UNet."""

PIXELS_OF_LATENT = {
    "AmusedPipeline": 16, "CogView3PlusPipeline": 8, "CogView4Pipeline": 8, "HunyuanDiTPipeline": 8,
    "LuminaPipeline": 8, "Lumina2Pipeline": 8, "PixArtAlphaPipeline": 8, "PixArtSigmaPipeline": 8, "SanaPipeline": 32,
    "SanaSprintPipeline": 32,
}  # fmt: skip
"""Pixels of a latent's side, by the VAE of each, in classes whose transformer's ``sample_size`` is what it was trained
at: their pipelines read the default size off that, or choose among sizes by it (diffusers 0.42.1)."""

LEAST = 64
"""Latents of the side that a UNet was trained for, at least: early Stable Diffusion 1 said 32 and meant 64
(``StableDiffusionPipeline.__init__`` of diffusers mends it as well)."""


FEW = 12
"""Steps at most of a model that is distilled to draw in few."""

FEW_BY_NAME = re.compile(
    r"turbo|lightning|hyper(?![-_ ]?real)(?:sd|xl|flux|vae|inpaint|lora|bake|merge|nf\d|fp\d|v\d|(?![a-z]))"
    r"|(?<![a-z])lcm|(?<![a-z])dmd2?(?![a-z])|schnell"
    r"|flash(?![-_ ]?(?:back|light|photo))|(?<!de|un)(?<!non|de[-_]|un[-_])(?<!non[-_]|not[-_])distill|rapid"
    r"|(?<![a-z])fast(?![a-z])"
)
"""What the names of models say that draw in few steps."""
FEW_SCHEDULERS = ("LCMScheduler", "TCDScheduler")
"""Schedulers that only such models are drawn with."""
USUAL_FEW = 8
"""Steps of a model of which no more is known than that they are few: what their makers name for most."""
STEPS_BY_NAME = re.compile(r"(?<![0-9])(1[0-2]|[1-9])[-_ ]?steps?(?![a-z])(?![-_ ]?(?!(?:512|768|1024)(?!\d))\d{3})")
"""A number of steps that is part of a name; numbers of training steps are longer, and may stand behind the word as in
``epoch3_step5000``. Sizes may stand there, too."""

TAUGHT_GUIDANCE = frozenset({"FluxPipeline", "FluxKontextPipeline", "Flux2Pipeline"})
"""Classes that take guidance as an input; all others draw by contrast, which distilled models don't."""

CONTRAST_FROM_0 = frozenset({"Krea2Pipeline", "ZImagePipeline", "ZImageOmniPipeline"})
"""Classes that add their guidance to 1 and draw by contrast wherever it is above 0; all others where it is above 1
(``do_classifier_free_guidance`` of each pipeline of diffusers)."""


def no_contrast(class_name: str) -> float:
    """Return the highest guidance at which a pipeline class doesn't draw by contrast."""
    return 0.0 if class_name in CONTRAST_FROM_0 else 1.0


OF_REFERENCES = ("image_encoder", "adapter")
"""Parts that a model without references has no use for."""

OF_THE_ASKING = ("steps", "guidance", "negative_prompt", "max_references", "adapter")
"""What of a preset's unchecked fields is so of a model that is asked like it, too."""

UNTOLD = ("weights", "taught_guidance", "scheduler")
"""Changes of a row that say nothing of how the model is asked."""


class Rule(BaseModel):
    """One row of ``recipes.toml``; its comment explains each field."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preset: str = ""
    classes: tuple[str, ...]
    named: str = ""
    index: dict[str, Any] = {}
    scheduler: dict[str, Any] = {}
    denoiser: dict[str, Any] = {}
    change: dict[str, Any] = {}
    file_scheduler: dict[str, Any] = {}
    source: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()
    guess: str = ""


@dataclass(frozen=True)
class Published:
    """What a repository or folder says of the pipeline in it.

    Attributes:
        model: Hugging Face id, or a folder.
        index: its ``model_index.json``.
        config: returns the configuration of a part by its folder, as ``scheduler``; empty where it can't be read.
        is_file: it is one file, by what its weights tell, and brings no scheduler of its own.
        where_named: what ``model`` is, in words.
    """

    model: str
    index: Mapping[str, Any]
    config: Callable[[str], Mapping[str, Any]]
    is_file: bool = False
    where_named: str = "its name"

    @property
    def own_name(self) -> str:
        """Its name without its owner's, in lower case."""
        return Path(self.model).name.lower()

    @property
    def class_name(self) -> str:
        """The pipeline's class."""
        return str(self.index.get("_class_name", ""))

    def said(self, where: str) -> Mapping[str, Any]:
        """Return what is said in ``model_index.json``, or of the ``scheduler`` or the ``denoiser``."""
        if where == "model_index.json":
            return self.index
        return self.denoiser if where == "denoiser" else self.config(where)

    @property
    def denoiser(self) -> Mapping[str, Any]:
        """The configuration of the transformer or UNet."""
        return next((self.config(part) for part in DENOISERS if part in self.index), {})


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """Return all rows, the first that fits first."""
    file = Path(__file__).with_name("recipes.toml")
    return tuple(Rule(**row) for row in tomllib.loads(file.read_text(encoding="utf-8"))["recipe"])


def recipe_of(published: Published, presets: Mapping[str, Preset], default: Preset | None = None) -> Preset | None:
    """Return the preset of the first row that fits, with this model in it and the reason told; ``None`` if none fits.

    Args:
        published: what the repository says.
        presets: all that there are, by name.
        default: what a class without a preset is asked like; rows for such classes are left out where there is none.
    """
    for rule in rules():
        if published.class_name not in rule.classes or (why := _fits(rule, published)) is None:
            continue
        like = presets[rule.preset] if rule.preset else default
        return None if like is None else _asked_like(rule, why, published, like)
    return None if default is None else _in_few_steps(published, default.model_copy(update=_trained_at(published)))


def _trained_at(published: Published) -> dict[str, int]:
    """Return the size in pixels that a denoiser was trained at, where its configuration says so."""
    if isinstance(pixels := published.index.get("default_sample_size"), int):  # PRX, in pixels
        return {"width": pixels, "height": pixels}
    side = published.denoiser.get("sample_size")
    if not isinstance(side, int):
        return {}
    if "unet" in published.index:
        pixels = max(side, LEAST) * LATENT
    else:
        pixels = side * PIXELS_OF_LATENT.get(published.class_name, 0)
    return {"width": pixels, "height": pixels} if pixels else {}


def _fits(rule: Rule, published: Published) -> str | None:
    """Return why a row fits, in words; ``None`` if it doesn't."""
    reasons = []
    if rule.named:
        found = re.search(rule.named, published.own_name)
        if found is None:
            return None
        reasons.append(f"{published.where_named} has {found[0]!r}")
    for wanted, where in ((rule.index, "model_index.json"), (rule.scheduler, "scheduler"), (rule.denoiser, "denoiser")):
        for key, value in wanted.items():
            given = published.said(where).get(key)
            if given is None or (value != ANY and given != value):
                return None
            says = f"its {where} says"
            if published.is_file:
                says = "it is taken for one with" if where == "model_index.json" else "its weights say"
            reasons.append(f"{says} {key} = {_short(given)}")
    return " and ".join(reasons) or f"its pipeline is a {published.class_name}"


def _short(value: Any) -> str:
    return f"a list of {len(value)}" if isinstance(value, list) else str(value).lower()


def _asked_like(rule: Rule, why: str, published: Published, preset: Preset) -> Preset:
    changes: dict[str, Any] = {"licence": "unknown", "pipeline": published.class_name} | rule.change
    if not published.is_file:  # else the preset's model has all that the file lacks
        changes |= {"model": published.model, "revision": None, "variant": None}
    layers = misfit(published.class_name, published.denoiser) if preset.adapter is not None else ""
    if layers or changes.get("family") == "text":
        changes |= {"family": "text", "adapter": None, "max_references": 0}
        changes |= {"weights": {name: n for name, n in preset.weights.items() if name not in OF_REFERENCES}}
    if isinstance(sigmas := published.index.get("sample_sigmas"), list):
        changes["steps"] = len(sigmas)
    changes |= _trained_at(published)
    if (there := published.index.get(LLAMA_PARTS[1])) and there != [None, None]:
        changes.pop("llama", None)
    if published.is_file:
        changes["scheduler"] = rule.file_scheduler
    told = ", ".join(f"{key} {value!r}" for key, value in rule.change.items() if key in changes and key not in UNTOLD)
    changes["recipe"] = f"as {rule.preset or 'its pipeline by default'}{f' with {told}' if told else ''}: {why}"
    changes["recipe"] += f" (a guess: {rule.guess})" if rule.guess else ""
    if layers:
        changes["recipe"] += f"; without references, whose adapter is for other layers ({layers})"
    unchecked = (name for name in preset.unchecked if name in OF_THE_ASKING and name not in changes)
    changes |= {"source": rule.source or preset.source, "unchecked": (*rule.unchecked, *unchecked)}
    changes["name"] = f"diffusers:{published.model}"
    return _in_few_steps(published, preset.model_copy(update=changes), known="steps" in rule.change)


def _in_few_steps(published: Published, preset: Preset, known: bool = False) -> Preset:
    """Return a preset in the few steps that a model is distilled for, where its row doesn't know that yet.

    Args:
        published: whose name says how many, if it does.
        preset: by its row.
        known: whether the row is of distilled models.
    """
    counted, named = STEPS_BY_NAME.search(published.own_name), FEW_BY_NAME.search(published.own_name)
    scheduler = str(published.config("scheduler").get("_class_name", ""))
    if preset.steps > FEW and not known:
        if counted is None and named is None and scheduler not in FEW_SCHEDULERS:
            return preset
        # Which recipe another distilled model has says nothing of this one.
        found = counted or named
        why = f"its scheduler is a {scheduler}" if found is None else f"{published.where_named} has {found[0]!r}"
        steps = int(counted[1]) if counted else USUAL_FEW
        changes: dict[str, Any] = {"steps": steps, "negative_prompt": ""}
        if published.class_name not in TAUGHT_GUIDANCE:
            changes["guidance"] = min(preset.guidance, no_contrast(published.class_name))
        told = f"; in {steps} steps, and not by contrast, since {why}"
        told += "" if counted else " (a guess: how many it takes is not known)"
        return preset.model_copy(update={**changes, "recipe": preset.recipe + told})
    if counted and int(counted[1]) != preset.steps and not preset.sigmas:
        steps = int(counted[1])
        told = f"; in {steps} steps, since {published.where_named} has {counted[0]!r}"
        return preset.model_copy(update={"steps": steps, "recipe": preset.recipe + told})
    return preset
