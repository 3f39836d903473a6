"""Tiny pipelines of the transformer families, as ``tiny_models`` has those of the UNet families."""

from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLFlux2,
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    Flux2KleinPipeline,
    Flux2Transformer2DModel,
    FluxKontextPipeline,
    FluxPipeline,
    FluxTransformer2DModel,
    OmniGenPipeline,
    OmniGenTransformer2DModel,
    QwenImageEditPlusPipeline,
    QwenImageTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from safetensors.torch import save_file
from tokenizers import pre_tokenizers
from transformers import (
    CLIPImageProcessor,
    LlamaTokenizer,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    Qwen3Config,
    Qwen3ForCausalLM,
    SiglipVisionConfig,
    SiglipVisionModel,
    T5Config,
    T5EncoderModel,
    T5TokenizerFast,
)

from testing import tiny_models
from testing.tiny_models import WIDTH, clip_text, clip_tokenizer, clip_vision, resampler

LETTERS = [chr(code) for code in range(32, 127)]


def t5_tokenizer() -> T5TokenizerFast:
    """Spells, as all tokenizers here do: one token a letter."""
    words = ["<pad>", "</s>", "<unk>", "\u2581", *LETTERS]
    return T5TokenizerFast(vocab=[(word, 0.0 if k < 3 else -3.0) for k, word in enumerate(words)], extra_ids=0)


def qwen_tokenizer(*more: str, **named: str) -> Qwen2Tokenizer:
    """The byte-level alphabet, and the words that Qwen's pipelines and processor put between prompts and pictures."""
    special = [
        "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
        "<|video_pad|>", *more,
    ]  # fmt: skip
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {word: number for number, word in enumerate([*special, *alphabet])}
    tokenizer = Qwen2Tokenizer(
        vocab=vocabulary, merges=[], unk_token="<|endoftext|>", eos_token="<|im_end|>", pad_token="<|endoftext|>",
        extra_special_tokens=special[3:], model_max_length=4096, model_specific_special_tokens=named,
    )  # fmt: skip
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n"
        "{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}{{ c.text or '' }}{% endfor %}"
        "{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    return tokenizer


def flow() -> FlowMatchEulerDiscreteScheduler:
    return FlowMatchEulerDiscreteScheduler()


def vae(blocks: int = 2, channels: int = 4) -> AutoencoderKL:
    """Shrinks by 2 a block but the last."""
    torch.manual_seed(0)
    return AutoencoderKL(
        block_out_channels=(8,) * blocks, in_channels=3, out_channels=3, latent_channels=channels, norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * blocks, up_block_types=("UpDecoderBlock2D",) * blocks,
        use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.06, scaling_factor=1.5,
        sample_size=1024,
    )  # fmt: skip


def t5() -> tuple[Any, Any]:
    torch.manual_seed(0)
    config = T5Config(vocab_size=200, d_model=WIDTH, d_ff=37, d_kv=8, num_heads=4, num_layers=2)
    return T5EncoderModel(config), t5_tokenizer()


def _flux_parts(blocks: int = 2) -> dict[str, Any]:
    torch.manual_seed(0)
    encoder, tokenizer = t5()
    return {
        "scheduler": flow(), "vae": vae(blocks), "text_encoder": clip_text(), "tokenizer": clip_tokenizer(),
        "text_encoder_2": encoder, "tokenizer_2": tokenizer,
        "transformer": FluxTransformer2DModel(
            in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=WIDTH, pooled_projection_dim=WIDTH, axes_dims_rope=(4, 4, 8), guidance_embeds=True,
        ),
    }  # fmt: skip


def save_flux(folder: Path) -> Path:
    FluxPipeline(**_flux_parts()).save_pretrained(folder)
    return folder


def save_kontext(folder: Path) -> Path:
    FluxKontextPipeline(**_flux_parts(blocks=4)).save_pretrained(folder)
    return folder


def save_flux_adapter(
    folder: Path, tokens: int = 4, vision: Any = None, width: int = WIDTH, inner: int = WIDTH, blocks: int = 1
) -> Path:
    """Laid out as XLabs' ``ip_adapter.safetensors``.

    Args:
        folder: for the file, and the image encoder beside it.
        tokens: how many of an image the denoiser sees.
        vision: the image encoder; a tiny one if not given.
        width: of the prompt's tokens and the image's.
        inner: of the denoiser.
        blocks: of the denoiser that have two streams.
    """
    torch.manual_seed(1)
    vision = vision or clip_vision()
    weights = {
        "ip_adapter_proj_model.proj.weight": torch.randn(tokens * width, vision.config.projection_dim) / 8,
        "ip_adapter_proj_model.proj.bias": torch.zeros(tokens * width),
        "ip_adapter_proj_model.norm.weight": torch.ones(width),
        "ip_adapter_proj_model.norm.bias": torch.zeros(width),
    }
    for block in range(blocks):
        for part in ("k", "v"):
            name = f"double_blocks.{block}.processor.ip_adapter_double_stream_{part}_proj"
            weights[f"{name}.weight"] = torch.randn(inner, width)
            weights[f"{name}.bias"] = torch.zeros(inner)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "ip_adapter.safetensors")
    vision.save_pretrained(folder / "image_encoder")
    side = vision.config.image_size
    CLIPImageProcessor(size=side, crop_size=side).save_pretrained(folder / "image_encoder")
    return folder


def save_sd3(folder: Path) -> Path:
    torch.manual_seed(0)
    encoder, tokenizer = t5()
    StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=16, patch_size=2, in_channels=16, num_layers=2, attention_head_dim=8, num_attention_heads=4,
            joint_attention_dim=WIDTH, caption_projection_dim=32, pooled_projection_dim=2 * WIDTH, out_channels=16,
            pos_embed_max_size=96,
        ),
        scheduler=flow(), vae=vae(channels=16), text_encoder=clip_text(projection=True), tokenizer=clip_tokenizer(),
        text_encoder_2=clip_text(projection=True), tokenizer_2=clip_tokenizer(), text_encoder_3=encoder,
        tokenizer_3=tokenizer,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_sd3_adapter(
    folder: Path, layers: int = 2, inner: int = 32, vision: Any = None, tokens: int = 4, wide: int = 64, head: int = 8
) -> Path:
    """Laid out as the diffusers version of InstantX' adapter for SD 3.5: one Perceiver resampler, keys and values.

    Args:
        folder: for the file, and the image encoder beside it.
        layers, inner: of the denoiser: how many, and how wide.
        vision: the image encoder; a tiny one if not given.
        tokens: how many of an image the denoiser sees.
        wide: of the resampler, a multiple of 64.
        head: width of the denoiser's attention heads.
    """
    torch.manual_seed(1)
    encoder = vision or SiglipVisionModel(
        SiglipVisionConfig(
            hidden_size=WIDTH, intermediate_size=37, num_attention_heads=4, num_hidden_layers=2, image_size=32,
            patch_size=16,
        )
    )  # fmt: skip
    weights: dict[str, torch.Tensor] = {}
    image_proj = resampler(inner, tokens, inner=wide, seen=encoder.config.hidden_size, heads=wide // 64)
    image_proj |= {
        "time_embedding.linear_1.weight": torch.randn(wide, 320) / 16,
        "time_embedding.linear_1.bias": torch.zeros(wide),
        "time_embedding.linear_2.weight": torch.randn(wide, wide) / 8,
        "time_embedding.linear_2.bias": torch.zeros(wide),
    }
    for layer in range(4):  # of each, what shifts it by the time step
        image_proj[f"layers.{layer}.2.1.weight"] = torch.randn(4 * wide, wide) / 8
        image_proj[f"layers.{layer}.2.1.bias"] = torch.zeros(4 * wide)
    weights |= {f"image_proj.{name}": value for name, value in image_proj.items()}
    for layer in range(layers):
        for part in ("k", "v"):
            weights[f"ip_adapter.{layer}.to_{part}_ip.weight"] = torch.randn(inner, inner) / 4
        for norm in ("norm_q", "norm_k", "norm_ip_k"):
            weights[f"ip_adapter.{layer}.{norm}.weight"] = torch.ones(head)
        weights[f"ip_adapter.{layer}.norm_ip.linear.weight"] = torch.randn(2 * inner, wide) / 8
        weights[f"ip_adapter.{layer}.norm_ip.linear.bias"] = torch.zeros(2 * inner)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "ip-adapter.safetensors")
    encoder.save_pretrained(folder / "image_encoder")
    return folder


def save_omnigen(folder: Path) -> Path:
    torch.manual_seed(0)
    special = ["<unk>", "<s>", "</s>", "<|user|>", "<|assistant|>", "<|end|>", "<|diffusion|>", "<img>", "</img>"]
    vocabulary = {word: number for number, word in enumerate([*special, "\u2581", *LETTERS])}
    OmniGenPipeline(
        transformer=OmniGenTransformer2DModel(
            in_channels=4, patch_size=2, hidden_size=32, num_attention_heads=4, num_key_value_heads=4,
            intermediate_size=37, num_layers=2, pad_token_id=0, vocab_size=200, time_step_dim=16,
            rope_scaling={"long_factor": [1.0] * 4, "short_factor": [1.0] * 4}, pos_embed_max_size=96,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(invert_sigmas=True, num_train_timesteps=1), vae=vae(blocks=4),
        tokenizer=LlamaTokenizer(vocab=vocabulary, merges=[], extra_special_tokens=special[3:]),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def flux2_vae() -> AutoencoderKLFlux2:
    torch.manual_seed(0)
    return AutoencoderKLFlux2(
        block_out_channels=(8, 16), down_block_types=("DownEncoderBlock2D",) * 2, layers_per_block=1,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, norm_num_groups=4,
    )  # fmt: skip


def flux2_transformer(width: int) -> Flux2Transformer2DModel:
    torch.manual_seed(0)
    return Flux2Transformer2DModel(
        in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
        joint_attention_dim=width, timestep_guidance_channels=16, axes_dims_rope=(4, 4, 4, 4),
    )  # fmt: skip


def save_klein(folder: Path) -> Path:
    torch.manual_seed(0)
    encoder = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=300, hidden_size=16, intermediate_size=37, num_hidden_layers=28, num_attention_heads=2,
            num_key_value_heads=2, head_dim=8,
        )
    )  # fmt: skip
    Flux2KleinPipeline(
        scheduler=flow(), vae=flux2_vae(), text_encoder=encoder, tokenizer=qwen_tokenizer(),
        transformer=flux2_transformer(48), is_distilled=False,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def qwen_vl() -> tuple[Any, Any]:
    torch.manual_seed(0)
    tokenizer = qwen_tokenizer()
    number = tokenizer.convert_tokens_to_ids
    model = Qwen2_5_VLForConditionalGeneration(
        Qwen2_5_VLConfig(
            text_config={
                "hidden_size": 16, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 2,
                "num_key_value_heads": 2, "vocab_size": 300, "bos_token_id": 0, "eos_token_id": 2,
                "rope_scaling": {"type": "mrope", "mrope_section": [1, 1, 2]},
            },
            vision_config={
                "depth": 2, "hidden_size": 16, "intermediate_size": 37, "num_heads": 2, "out_hidden_size": 16,
                "fullatt_block_indexes": [1],
            },
            image_token_id=number("<|image_pad|>"), video_token_id=number("<|video_pad|>"),
            vision_start_token_id=number("<|vision_start|>"), vision_end_token_id=number("<|vision_end|>"),
        )
    )  # fmt: skip
    processor = Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56), tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(), chat_template=tokenizer.chat_template,
    )  # fmt: skip
    return model, processor


def save_qwen(folder: Path) -> Path:
    encoder, processor = qwen_vl()
    channels = 4
    QwenImageEditPlusPipeline(
        scheduler=flow(),
        vae=AutoencoderKLQwenImage(
            base_dim=4, z_dim=channels, dim_mult=[1, 2, 2, 2], num_res_blocks=1,
            temperal_downsample=[False, True, True],
            latents_mean=[0.0] * channels, latents_std=[1.0] * channels,
        ),
        text_encoder=encoder, tokenizer=processor.tokenizer, processor=processor,
        transformer=QwenImageTransformer2DModel(
            patch_size=2, in_channels=4 * channels, out_channels=channels, num_layers=1, attention_head_dim=16,
            num_attention_heads=2, joint_attention_dim=16, axes_dims_rope=(4, 4, 8),
        ),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_kolors(folder: Path) -> Path:
    """Kolors: a UNet like SDXL's under ChatGLM, whose tokenizer is a SentencePiece model, trained here on letters."""
    import sentencepiece
    from diffusers.pipelines.kolors.text_encoder import ChatGLMConfig, ChatGLMModel
    from diffusers.pipelines.kolors.tokenizer import ChatGLMTokenizer

    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["an owl and a moon", "".join(LETTERS)]), model_prefix=str(folder / "letters"),
        model_type="char", vocab_size=104, hard_vocab_limit=False,
    )  # fmt: skip
    tokenizer = ChatGLMTokenizer(str(folder / "letters.model"), padding_side="left")
    encoder = ChatGLMModel(
        ChatGLMConfig(
            num_layers=2, padded_vocab_size=300, hidden_size=32, ffn_hidden_size=37, kv_channels=8,
            num_attention_heads=4, seq_length=256, multi_query_attention=True, multi_query_group_num=2,
            add_bias_linear=False, add_qkv_bias=True, rmsnorm=True, original_rope=True,
        ), empty_init=False
    )  # fmt: skip
    for name, weights in encoder.named_parameters():
        if "layernorm" in name:  # left uninitialised by its authors
            torch.nn.init.ones_(weights)
    diffusers.KolorsPipeline(
        vae=tiny_models.vae(), text_encoder=encoder, tokenizer=tokenizer, scheduler=tiny_models.scheduler(),
        unet=tiny_models.unet(
            cross_attention_dim=32, attention_head_dim=(2, 4), use_linear_projection=True,
            addition_embed_type="text_time", addition_time_embed_dim=8, transformer_layers_per_block=(1, 2),
            projection_class_embeddings_input_dim=6 * 8 + 32, encoder_hid_dim=32, encoder_hid_dim_type="text_proj",
        ),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_flux2(folder: Path) -> Path:
    """FLUX.2 dev: a Mistral 3 that reads the words, of which layers 10, 20 and 30 are used."""
    from transformers import Mistral3Config, Mistral3ForConditionalGeneration, PixtralImageProcessor, PixtralProcessor

    torch.manual_seed(0)
    tokenizer = qwen_tokenizer("[IMG]", "[IMG_BREAK]", "[IMG_END]")
    encoder = Mistral3ForConditionalGeneration(
        Mistral3Config(
            text_config={
                "model_type": "mistral", "hidden_size": 16, "intermediate_size": 37, "num_hidden_layers": 31,
                "num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 300,
                "bos_token_id": 0, "eos_token_id": 2,
            },
            vision_config={
                "model_type": "pixtral", "hidden_size": 16, "intermediate_size": 37, "num_hidden_layers": 1,
                "num_attention_heads": 2, "image_size": 32, "patch_size": 16, "head_dim": 8,
            },
            image_token_id=tokenizer.convert_tokens_to_ids("[IMG]"),
        )
    )  # fmt: skip
    processor = PixtralProcessor(
        image_processor=PixtralImageProcessor(), tokenizer=tokenizer, chat_template=tokenizer.chat_template
    )
    diffusers.Flux2Pipeline(
        scheduler=flow(), vae=flux2_vae(), text_encoder=encoder, tokenizer=processor, transformer=flux2_transformer(48)
    ).save_pretrained(folder)
    return folder
