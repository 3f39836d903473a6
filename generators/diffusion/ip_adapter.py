"""IP-Adapter (Ye et al. 2023, arXiv 2308.06721): references as a second cross-attention, beside that to the words."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from typing import Any

import torch
from cachetools import LRUCache
from PIL import Image

from imagerag.generators.base import DrawRequest, Reference
from imagerag.generators.diffusion import words
from imagerag.generators.diffusion.calling import reads_guidance
from imagerag.generators.diffusion.family import TextFamily
from imagerag.generators.diffusion.presets import Adapter, Preset
from imagerag.generators.diffusion.reference_regions import EVERYWHERE, regions
from imagerag.generators.diffusion.words import Words

MOST_KEPT = 256
"""Embeddings of references kept; each is at most a megabyte."""

LONGEST = 4096
"""Pixels of a side of a sheet that a reference is set on, at most: no encoder sees more, and a square sheet for a strip
takes the square of its length."""


class AdapterFamily(TextFamily):
    """References through an IP-Adapter. With none, its attention is switched off and costs nothing.

    Several references share one attention, so that more of them don't count for more than the words, unless each has
    a place of its own in the picture (the prompt says where) or a scale of its own: then each is added by itself.
    """

    def __init__(self, pipeline: Any, preset: Preset) -> None:
        super().__init__(pipeline, preset)
        self._known: LRUCache[str, torch.Tensor] = LRUCache(MOST_KEPT)

    @staticmethod
    def components(preset: Preset, class_name: str, **options: Any) -> dict[str, Any]:
        """Load the image encoder, which no checkpoint of these models brings along."""
        from transformers import (
            CLIPImageProcessor,
            CLIPVisionModelWithProjection,
            SiglipImageProcessor,
            SiglipVisionModel,
        )

        adapter = preset.adapter
        assert adapter is not None
        where: Any = {"subfolder": adapter.encoder_subfolder} if adapter.encoder_subfolder else {}
        where["revision"] = adapter.encoder_revision or "main"
        if class_name == "StableDiffusion3Pipeline":
            encoder: Any = SiglipVisionModel.from_pretrained(adapter.encoder, **where, **options)
            extractor: Any = SiglipImageProcessor(size={"height": (side := encoder.config.image_size), "width": side})
        else:
            encoder = CLIPVisionModelWithProjection.from_pretrained(adapter.encoder, **where, **options)
            side = encoder.config.image_size
            extractor = CLIPImageProcessor(size=side, crop_size=side)
        return {"image_encoder": encoder.eval(), "feature_extractor": extractor}

    def prepare(self) -> None:
        """Load the adapter into the denoiser."""
        adapter = self.preset.adapter
        assert adapter is not None
        name = self.class_name
        encoder = "image_encoder_pretrained_model_name_or_path" if name == "FluxPipeline" else "image_encoder_folder"
        self.pipeline.load_ip_adapter(
            adapter.model,
            subfolder=adapter.subfolder,
            weight_name=adapter.file,
            revision=adapter.revision,
            **{encoder: None},
        )

    def words(self, prompt: str, references: Sequence[Reference]) -> Words:
        """Return the conditioned prompt where the text encoder takes it whole, as the paper's code sends it."""
        return self._fitted(prompt, words.conditioned(prompt, references))

    def arguments(self, request: DrawRequest) -> dict[str, Any]:
        """Return the embeddings and masks, and set the scales, which the pipeline keeps in its attention."""
        references, name = request.references, self.class_name
        if not references:
            self.pipeline.set_ip_adapter_scale(0.0)
            return self._switched_off(name)
        known = [self._embedding(reference) for reference in references]
        scales = [request.reference_scale if one.scale is None else one.scale for one in references]
        if name in ("StableDiffusion3Pipeline", "FluxPipeline"):
            self.pipeline.set_ip_adapter_scale(scales[0])
            return {"ip_adapter_image_embeds": known[0] if name == "StableDiffusion3Pipeline" else [known[0]]}
        embeddings = torch.cat(known, dim=1)
        boxes = regions(words.plain(request.prompt), [reference.concept for reference in references])
        if boxes is None and len(set(scales)) == 1:
            self.pipeline.set_ip_adapter_scale(scales[0])
            return {"ip_adapter_image_embeds": [embeddings]}
        boxes = boxes or [EVERYWHERE] * len(known)
        # Added up, each by itself: those that share a place share the strength, too.
        self.pipeline.set_ip_adapter_scale(
            [[scale / boxes.count(box) for scale, box in zip(scales, boxes, strict=True)]]
        )
        width, height = self.canvas(request)
        masks = torch.zeros(1, len(boxes), height // 8, width // 8)
        for number, box in enumerate(boxes):
            masks[0, number, box.rows(masks.shape[2]), box.columns(masks.shape[3])] = 1
        return {"ip_adapter_image_embeds": [embeddings], "cross_attention_kwargs": {"ip_adapter_masks": [masks]}}

    def _embedding(self, reference: Reference) -> torch.Tensor:
        """Return what the denoiser gets of a reference: (2, 1, ...) without and with it, computed once.

        FLUX has no guidance by contrast here: (1, 1, ...). SD 3.5 takes (2, tokens, width).
        """
        key = reference.sha256 or hashlib.sha256(reference.image.tobytes()).hexdigest()
        if (known := self._known.get(key)) is not None:
            return known
        picture = squared(reference.image)
        device, name = self.pipeline._execution_device, self.class_name
        with torch.no_grad():
            if name == "FluxPipeline":
                made = self.pipeline.prepare_ip_adapter_image_embeds([picture], None, device, 1)[0]
            elif name == "StableDiffusion3Pipeline":
                made = self.pipeline.prepare_ip_adapter_image_embeds(picture, None, device, 1, self._guided)
            else:
                made = self.pipeline.prepare_ip_adapter_image_embeds([[picture]], None, device, 1, self._guided)[0]
        kept: torch.Tensor = made.cpu()
        self._known[key] = kept
        return kept

    @property
    def _guided(self) -> bool:
        """Whether the pipeline draws by contrast with nothing, in which case it wants that embedding, too."""
        return self.preset.guidance > 1 and not reads_guidance(self.pipeline)

    def _switched_off(self, name: str) -> dict[str, Any]:
        """Return embeddings of nothing, which the denoiser asks for even where no attention looks at them."""
        if name == "StableDiffusion3Pipeline":
            return {}
        encoder = self.pipeline.image_encoder.config
        rows = 2 if self._guided and name != "FluxPipeline" else 1
        denoiser = self.pipeline.transformer if name == "FluxPipeline" else self.pipeline.unet
        plus = hasattr(denoiser.encoder_hid_proj.image_projection_layers[0], "latents")
        tokens = (encoder.image_size // encoder.patch_size) ** 2 + 1
        shape = (rows, 1, tokens, encoder.hidden_size) if plus else (rows, 1, encoder.projection_dim)
        return {"ip_adapter_image_embeds": [torch.zeros(shape, dtype=denoiser.dtype)]}


def fetch_adapter(adapter: Adapter) -> None:
    """Fetch an adapter's weights, if need be, before the larger ones of the model that it is for.

    Raises:
        OSError, ValueError: as the hub's client does.
    """
    from huggingface_hub import hf_hub_download

    if not os.path.isdir(adapter.model):
        hf_hub_download(adapter.model, adapter.file, subfolder=adapter.subfolder or None, revision=adapter.revision)


def squared(image: Image.Image) -> Image.Image:
    """Return a reference as a square RGB image on white: the encoder crops to a square, and would cut things off."""
    image = fitting(image)
    side = max(image.size)
    sheet = Image.new("RGBA", (side, side), "white")
    picture = image.convert("RGBA")
    sheet.alpha_composite(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return sheet.convert("RGB")


def fitting(image: Image.Image) -> Image.Image:
    """Return an image whose longer side is at most ``LONGEST``."""
    scale = LONGEST / max(image.size)
    if scale >= 1:
        return image
    return image.resize(
        (max(round(image.width * scale), 1), max(round(image.height * scale), 1)), Image.Resampling.LANCZOS
    )
