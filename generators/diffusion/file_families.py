"""What a checkpoint in one file is, by the names and shapes of its weights, then by its metadata, then by its name.

Several models have weights of the same names and shapes (FLUX.1 dev, Krea and Kontext; a model and its distilled
version): there the file's metadata or its name decides, and that it is a guess is told with how to say it.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from imagerag.generators.diffusion import other_models
from imagerag.generators.diffusion.other_models import Kind

LDM = "model.diffusion_model."
"""Before the names of a denoiser's weights, in files that hold more than it."""


class Tensor(NamedTuple):
    """What a file's header says of one tensor; what tells families apart asks for no more."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class FileFamily:
    """What a file is of.

    Attributes:
        kind: as diffusers calls it, ``v1`` or ``flux-dev``, or as this module does; empty where it isn't known.
        class_name: the pipeline that draws it; empty where none is known.
        repository: the model that diffusers takes the kind's configuration from; empty where it names none.
        denoiser: what its weights say, under the names that a denoiser's configuration has for it.
        index: likewise of a ``model_index.json``.
        why: how it was recognised, in words.
        guesses: what its weights don't say and was guessed, in words.
        other: what it is where it is no model that draws from words.
        like: how the class of its family's pipelines begins, of what doesn't draw; empty where that isn't known.
    """

    kind: str = ""
    class_name: str = ""
    repository: str = ""
    denoiser: Mapping[str, Any] = field(default_factory=dict)
    index: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    guesses: tuple[str, ...] = ()
    other: Kind | None = None
    like: str = ""


ENCODER = Kind("one part of a pipeline (a text encoder)", other_models.DRAWING)
PART = Kind("one part of a pipeline (a VAE)", other_models.DRAWING)
LORA = Kind(
    "LoRA weights and no model of its own",
    "name the model that they are for with --generator, and the file with --lora FILE",
)
ADAPTER = Kind("an adapter for videos", other_models.DRAWING)

CLASSES: dict[str, str] = {
    "v1": "StableDiffusionPipeline", "v2": "StableDiffusionPipeline", "xl_base": "StableDiffusionXLPipeline",
    "xl_unet": "StableDiffusionXLPipeline", "playground-v2-5": "StableDiffusionXLPipeline",
    "sd3": "StableDiffusion3Pipeline", "sd35_medium": "StableDiffusion3Pipeline",
    "sd35_large": "StableDiffusion3Pipeline", "flux-dev": "FluxPipeline", "flux-schnell": "FluxPipeline",
    "flux-2-dev": "Flux2Pipeline", "flux-2-klein": "Flux2KleinPipeline", "chroma": "ChromaPipeline",
    "z-image-turbo": "ZImagePipeline", "qwen-image": "QwenImagePipeline", "qwen-image-2.1": "QwenImage21Pipeline",
    "krea2": "Krea2Pipeline", "auraflow": "AuraFlowPipeline", "lumina2": "Lumina2Pipeline", "sana": "SanaPipeline",
    "hidream": "HiDreamImagePipeline", "cosmos-2.0-t2i-2B": "Cosmos2TextToImagePipeline",
    "cosmos-2.0-t2i-14B": "Cosmos2TextToImagePipeline",
}  # fmt: skip
"""By kind, the pipeline that draws it."""

OTHERS: tuple[tuple[str, Kind], ...] = (
    (r"inpaint|fill", other_models.INPAINTING), (r"refiner", other_models.REFINER), (r"upscale", other_models.UPSCALER),
    (r"controlnet|flux-depth", other_models.CONTROL), (r"instruct", other_models.INSTRUCTED),
    (r"animatediff", ADAPTER), (r"stable_cascade", other_models.FIRST_STAGE), (r"autoencoder", PART),
    (r"text-encoder", ENCODER), (r"ltx|mochi|hunyuan-video|wan-|cosmos|minimax", other_models.VIDEO),
)  # fmt: skip
"""By what is found in a kind's name: what it is where no pipeline draws it from words."""


LIKE = (
    ("xl_", "StableDiffusionXL"), ("z-image", "ZImage"), ("flux-2", "Flux2"), ("flux", "Flux"), ("qwen", "QwenImage"),
    ("inpainting", "StableDiffusion"), ("v1", "StableDiffusion"), ("v2", "StableDiffusion"),
)  # fmt: skip
"""By the beginning of a kind: how the classes of its family's pipelines begin."""


def recognised(tensors: Mapping[str, Tensor], hints: Mapping[str, str]) -> FileFamily:
    """Return what a file is of.

    Args:
        tensors: its header, by the names of its weights.
        hints: words about it in lower case, the more telling first, each by where they stand (``its name``).
    """
    bare = {name.removeprefix(LDM): tensor for name, tensor in tensors.items()}
    if _is_lora(tensors):
        return FileFamily(kind="lora", other=LORA)
    kind, repository, why = _kind(tensors, bare)
    other = next((what for found, what in OTHERS if re.search(found, kind)), None)
    if not kind or (other is not None and kind not in CLASSES):
        like = next((classes for start, classes in LIKE if kind.startswith(start)), "")
        return FileFamily(kind=kind, repository=repository, why=why, other=other, like=like)
    facts = _facts(kind, bare)
    if kind == "flux-2-dev" and facts.get("hidden_size") != FLUX2_WIDTH:
        kind, repository = "flux-2-klein", ""
    found = FileFamily(kind, CLASSES.get(kind, ""), repository, facts, why=why)
    return _told_apart(found, tensors, hints)


FLUX2_WIDTH = 6144
"""Of FLUX.2 dev; klein 4B has 3072, 9B 4096 (``testing/published_models.toml``: heads times 128)."""


def _is_lora(tensors: Mapping[str, Tensor]) -> bool:
    marks = (".lora_down.weight", ".lora_up.weight", ".lora_A.weight", ".lora_B.weight", ".lokr_w1", ".hada_w1_a")
    return any(name.endswith(marks) or ".lora_A." in name for name in tensors)


ENCODERS = (
    "text_model.embeddings.token_embedding.weight", "encoder.block.0.layer.0.SelfAttention.k.weight",
    "model.layers.0.self_attn.k_proj.weight",
)  # fmt: skip
"""A weight of each: CLIP, T5, and the language models of later ones, as transformers names them."""


def _kind(tensors: Mapping[str, Tensor], bare: Mapping[str, Tensor]) -> tuple[str, str, str]:
    """Return the kind of a file, the model that diffusers takes its configuration from, and how it was told."""
    files: Any = importlib.import_module("diffusers.loaders.single_file_utils")
    if "transformer_blocks.0.img_mod.1.weight" in bare and "txt_norm.weight" in bare:
        return "qwen-image", "", "its weights have the names of Qwen-Image's"
    try:
        kind: str = files.infer_diffusers_model_type(tensors)
    except (KeyError, ValueError, IndexError):  # of a kind that it has no sizes of
        return "", "", ""
    if kind == "v1" and files.CHECKPOINT_KEY_NAMES["v1"] not in tensors:  # its answer for all that it doesn't know
        if "add_embedding.linear_1.weight" in tensors and any(name.startswith("up_blocks.") for name in tensors):
            return "xl_unet", "", "its weights have the names of SDXL's UNet in diffusers"
        if "label_emb.0.0.weight" in bare and "output_blocks.8.0.skip_connection.weight" in bare:
            return "xl_unet", "", "its weights have the names of SDXL's UNet"
        if any(name.startswith("nerf_") for name in bare):
            return "", "", "its weights have the names of a model that draws pixels (Radiance)"
        if {"encoder.conv_in.weight", "decoder.conv_in.weight"} <= bare.keys():
            return "autoencoder", "", "its weights have the names of a VAE's"
        if any(name in bare for name in ENCODERS):
            return "text-encoder", "", "its weights have the names of a text encoder's"
        return "", "", ""
    repository = str(files.DIFFUSERS_DEFAULT_PIPELINE_PATHS[kind]["pretrained_model_name_or_path"])
    return kind, repository, f"its weights have the names and shapes of {kind!r} in diffusers"


def _facts(kind: str, bare: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return what the weights say of the network, under the names that the published configurations have for it."""
    facts: dict[str, Any] = {}
    if kind.startswith("flux-"):
        facts["num_layers"] = _count(bare, r"double_blocks\.(\d+)\.")
        facts["hidden_size"] = bare["img_in.weight"].shape[0] if "img_in.weight" in bare else None
        if kind == "flux-schnell":
            facts["guidance_embeds"] = False
    elif kind in ("v1", "v2"):
        facts["cross_attention_dim"] = 1024 if kind == "v2" else 768
    elif kind in ("sd35_medium", "sd3"):
        facts["num_layers"] = 24
        if kind == "sd35_medium":
            facts["qk_norm"] = "rms_norm"
    if "time_embed.cond_proj.weight" in bare or "time_embedding.cond_proj.weight" in bare:
        facts["time_cond_proj_dim"] = bare[next(name for name in bare if name.endswith("cond_proj.weight"))].shape[-1]
    return {name: value for name, value in facts.items() if value is not None}


def _count(bare: Mapping[str, Tensor], pattern: str) -> int | None:
    """Return how many blocks there are whose weights are named so, with their number in the first group."""
    numbers = {int(found[1]) for name in bare if (found := re.match(pattern, name))}
    return max(numbers) + 1 if numbers else None


@dataclass(frozen=True)
class Twin:
    """Models whose weights have the same names and shapes.

    Attributes:
        kind: of the file.
        named: what says in a name that it is the second one.
        class_name: the second one's pipeline, where that is another.
        index: what the second one's ``model_index.json`` says.
        otherwise: likewise for the first one.
        guess: the presets that can be meant, in words.
        repository: of the second one, where it has other parts besides the denoiser.
    """

    kind: str
    named: str
    class_name: str = ""
    index: Mapping[str, Any] = field(default_factory=dict)
    otherwise: Mapping[str, Any] = field(default_factory=dict)
    guess: str = ""
    repository: str = ""


FEW_STEPS = "a preset of your own for one that draws in few steps (Lightning, Hyper, LCM)"
HIDREAM = "a preset of your own, or have full, dev or fast in its name"

TWINS = (
    Twin("flux-dev", r"kontext", "FluxKontextPipeline", guess="@flux, @kontext or @flux-krea"),
    Twin(
        "flux-2-klein", r"base", otherwise={"is_distilled": True},
        guess="@flux2-klein, @flux2-klein-9b or these with -base",
    ),
    Twin(
        "flux-schnell", r"dev(?!ice)", otherwise={"is_distilled": True},
        guess="@flux-schnell, or a preset of your own (with true_cfg for one that is not distilled)",
    ),
    Twin("flux-2-klein", r"kv", "Flux2KleinKVPipeline"),
    Twin("krea2", r"turbo", index={"is_distilled": True}, guess="@krea2 or @krea2-turbo"),
    Twin("sd35_large", r"turbo", guess="@sd35 or @sd35-turbo"),
    Twin(
        "z-image-turbo", r"z[-_ ]?image(?!.*turbo)", otherwise={"is_distilled": True},
        guess="@z-image or @z-image-turbo",
    ),
    Twin("qwen-image", r"edit", "QwenImageEditPipeline", guess="@qwen-image-1, @qwen-image or @qwen-edit"),
    Twin("qwen-image", r"2509|2511|edit.?plus|rapid", "QwenImageEditPlusPipeline"),
    Twin("qwen-image-2.1", r"turbo", guess="@qwen-image-21 or @qwen-image-21-turbo"),
    Twin("v1", r"turbo", guess=f"@sd15, or {FEW_STEPS}"),
    Twin("v2", r"turbo", guess=f"@sd21, @sd-turbo, or {FEW_STEPS}"),
    Twin("xl_base", r"turbo", guess=f"@sdxl, @sdxl-turbo, or {FEW_STEPS}"),
    Twin("xl_unet", r"turbo", guess=f"@sdxl, @sdxl-turbo, or {FEW_STEPS}"),
    Twin("sd35_medium", r"turbo", guess=f"@sd35-medium, or {FEW_STEPS}"),
    Twin("flux-2-dev", r"turbo", guess=f"@flux2, or {FEW_STEPS}"),
    Twin("hidream", r"full|^(?!.*(?:dev|fast))", repository="HiDream-ai/HiDream-I1-Full", guess=HIDREAM),
    Twin("hidream", r"dev", repository="HiDream-ai/HiDream-I1-Dev"),
    Twin("hidream", r"fast", repository="HiDream-ai/HiDream-I1-Fast"),
    Twin("chroma", r"flash", guess="@chroma, or a preset of your own for another version"),
)  # fmt: skip
"""In order: a later one that fits counts over an earlier one."""


def _told_apart(found: FileFamily, tensors: Mapping[str, Tensor], hints: Mapping[str, str]) -> FileFamily:
    """Return a family with what its weights leave open decided by words about the file, and told as a guess."""
    class_name, index, guesses = found.class_name, dict(found.index), list[str]()
    repository = found.repository
    where, words = next(iter(hints.items()), ("its name", ""))
    for twin in TWINS:
        if twin.kind != found.kind:
            continue
        if re.search(twin.named, words) is None:
            index |= twin.otherwise
        else:
            class_name, index = twin.class_name or class_name, {**index, **twin.index}
            repository = twin.repository or repository
        if twin.guess:
            guesses.append(
                f"several models have such weights, so that it is a guess by {where}; of another, say {twin.guess}"
            )
    if "__index_timestep_zero__" in tensors:  # ComfyUI's mark for Qwen-Image-Edit-2511
        class_name, guesses = "QwenImageEditPlusPipeline", []
    return replace(found, class_name=class_name, index=index, guesses=tuple(guesses), repository=repository)


def classes_of(kind: str) -> set[str]:
    """Return the pipelines that may draw a file of that kind; none where it isn't known."""
    return (
        {CLASSES[kind], *(twin.class_name for twin in TWINS if twin.kind == kind and twin.class_name)} - {""}
        if (kind in CLASSES)
        else set()
    )
