"""Tiny pipelines of the classes that came after those of ``tiny_families``, in the same way."""

import importlib
from pathlib import Path
from typing import Any

import torch
from transformers import (
    ByT5Tokenizer,
    GlmImageConfig,
    GlmImageForConditionalGeneration,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2VLImageProcessor,
    Qwen3Config,
    Qwen3Model,
    Qwen3VLConfig,
    Qwen3VLForConditionalGeneration,
    Qwen3VLModel,
    Qwen3VLVideoProcessor,
    SmolLM3Config,
    SmolLM3ForCausalLM,
    T5Config,
    T5EncoderModel,
)

from testing.tiny_families import flow, qwen_tokenizer, qwen_vl, save_klein, t5, vae
from testing.tiny_models import WIDTH, clip_text, clip_tokenizer

# To a type checker, diffusers' own names are placeholders without methods, and processors untyped.
diffusers: Any = importlib.import_module("diffusers")
transformers: Any = importlib.import_module("transformers")

LATENTS = 4
"""Channels of the latents of Qwen's VAE here."""


def qwen_vae() -> Any:
    torch.manual_seed(0)
    return diffusers.AutoencoderKLQwenImage(
        base_dim=4, z_dim=LATENTS, dim_mult=[1, 2, 2, 2], num_res_blocks=1, temperal_downsample=[False, True, True],
        latents_mean=[0.0] * LATENTS, latents_std=[1.0] * LATENTS,
    )  # fmt: skip


def qwen_transformer() -> Any:
    torch.manual_seed(0)
    return diffusers.QwenImageTransformer2DModel(
        patch_size=2, in_channels=4 * LATENTS, out_channels=LATENTS, num_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=16, axes_dims_rope=(4, 4, 8),
    )  # fmt: skip


def save_qwen_image(folder: Path) -> Path:
    encoder, processor = qwen_vl()
    diffusers.QwenImagePipeline(
        scheduler=flow(), vae=qwen_vae(), text_encoder=encoder, tokenizer=processor.tokenizer,
        transformer=qwen_transformer(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_qwen_edit_1(folder: Path) -> Path:
    encoder, processor = qwen_vl()
    diffusers.QwenImageEditPipeline(
        scheduler=flow(), vae=qwen_vae(), text_encoder=encoder, tokenizer=processor.tokenizer, processor=processor,
        transformer=qwen_transformer(),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def qwen3_vl_config(layers: int = 2) -> Qwen3VLConfig:
    number: Any = qwen_tokenizer().convert_tokens_to_ids
    return Qwen3VLConfig(
        text_config={
            "hidden_size": 16, "intermediate_size": 37, "num_hidden_layers": layers, "num_attention_heads": 2,
            "num_key_value_heads": 2, "head_dim": 8, "vocab_size": 300, "bos_token_id": 0, "eos_token_id": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 1, 1]},
        },
        vision_config={
            "depth": 2, "hidden_size": 16, "intermediate_size": 37, "num_heads": 2, "out_hidden_size": 16,
            "patch_size": 16, "deepstack_visual_indexes": [0], "num_position_embeddings": 64,
        },
        image_token_id=number("<|image_pad|>"), video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"), vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip


def qwen3_vl() -> tuple[Any, Any]:
    torch.manual_seed(0)
    tokenizer = qwen_tokenizer()
    processor = transformers.Qwen3VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=32 * 32, max_pixels=64 * 64, patch_size=16),
        tokenizer=tokenizer, video_processor=Qwen3VLVideoProcessor(), chat_template=tokenizer.chat_template,
    )  # fmt: skip
    return Qwen3VLForConditionalGeneration(qwen3_vl_config()), processor


def save_qwen_image_21(folder: Path) -> Path:
    encoder, processor = qwen3_vl()
    channels = 8
    diffusers.QwenImage21Pipeline(
        scheduler=flow(), text_encoder=encoder, processor=processor,
        vae=diffusers.AutoencoderKLQwenImage21(
            base_dim=4, decoder_base_dim=4, z_dim=channels, dim_mult=[1, 1, 1, 1, 1], num_res_blocks=1,
            temperal_downsample=[False, True, True, True], latents_mean=[0.0] * channels, latents_std=[1.0] * channels,
        ),
        transformer=diffusers.QwenImage21Transformer2DModel(
            in_channels=channels, out_channels=channels, num_layers=1, attention_head_dim=16, num_attention_heads=2,
            context_in_dim=16, axes_dims_rope=(4, 6, 6),
        ),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_klein_kv(folder: Path) -> Path:
    parts = diffusers.Flux2KleinPipeline.from_pretrained(save_klein(folder)).components
    diffusers.Flux2KleinKVPipeline(**parts, is_distilled=True).save_pretrained(folder)
    return folder


def save_z_image(folder: Path) -> Path:
    torch.manual_seed(0)
    transformer = diffusers.ZImageTransformer2DModel(
        in_channels=4, dim=32, n_layers=1, n_refiner_layers=1, n_heads=2, n_kv_heads=2, cap_feat_dim=16,
        axes_dims=[8, 4, 4], axes_lens=[1024, 64, 64],
    )  # fmt: skip
    for token in (transformer.x_pad_token, transformer.cap_pad_token):  # left uninitialised by their authors
        torch.nn.init.ones_(token)
    encoder = Qwen3Model(
        Qwen3Config(
            vocab_size=300, hidden_size=16, intermediate_size=37, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, head_dim=8,
        )
    )  # fmt: skip
    diffusers.ZImagePipeline(
        scheduler=flow(), vae=vae(), text_encoder=encoder, tokenizer=qwen_tokenizer(), transformer=transformer
    ).save_pretrained(folder)
    return folder


def save_krea2(folder: Path) -> Path:
    torch.manual_seed(0)
    diffusers.Krea2Pipeline(
        scheduler=flow(), vae=qwen_vae(), text_encoder=Qwen3VLModel(qwen3_vl_config(3)), tokenizer=qwen_tokenizer(),
        transformer=diffusers.Krea2Transformer2DModel(
            in_channels=4 * LATENTS, num_layers=1, attention_head_dim=8, num_attention_heads=4, num_key_value_heads=2,
            intermediate_size=32, timestep_embed_dim=8, text_hidden_dim=16, num_text_layers=3,
            text_num_attention_heads=2, text_num_key_value_heads=1, text_intermediate_size=16,
            num_layerwise_text_blocks=1, num_refiner_text_blocks=1, axes_dims_rope=(4, 2, 2),
        ),
        text_encoder_select_layers=(0, 1, 2),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_chroma(folder: Path) -> Path:
    torch.manual_seed(0)
    encoder, tokenizer = t5()
    diffusers.ChromaPipeline(
        scheduler=flow(), vae=vae(), text_encoder=encoder, tokenizer=tokenizer,
        transformer=diffusers.ChromaTransformer2DModel(
            in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=32, axes_dims_rope=(4, 4, 8), approximator_num_channels=16,
            approximator_hidden_dim=32, approximator_layers=1,
        ),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def glyphs() -> tuple[Any, Any]:
    """ByT5, which reads bytes: what is to be written in the picture."""
    torch.manual_seed(0)
    config = T5Config(vocab_size=384, d_model=32, d_ff=37, d_kv=8, num_heads=4, num_layers=2)
    return T5EncoderModel(config), ByT5Tokenizer()


def _longcat(pipeline_class: Any, folder: Path) -> Path:
    encoder, processor = qwen_vl()
    torch.manual_seed(0)
    pipeline_class(
        scheduler=flow(), vae=_sixteen_channels(), text_encoder=encoder, tokenizer=processor.tokenizer,
        text_processor=processor,
        transformer=diffusers.LongCatImageTransformer2DModel(
            in_channels=64, num_layers=1, num_single_layers=1, attention_head_dim=16, num_attention_heads=2,
            joint_attention_dim=16, pooled_projection_dim=16, axes_dims_rope=(4, 4, 8),
        ),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def _sixteen_channels() -> Any:
    """A VAE as FLUX.1 has: LongCat's pipelines count on its 16 channels."""
    torch.manual_seed(0)
    return diffusers.AutoencoderKL(
        block_out_channels=(8,) * 4, latent_channels=16, norm_num_groups=4, shift_factor=0.06, scaling_factor=1.5,
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        use_quant_conv=False, use_post_quant_conv=False,
    )  # fmt: skip


def save_longcat(folder: Path) -> Path:
    return _longcat(diffusers.LongCatImagePipeline, folder)


def save_longcat_edit(folder: Path) -> Path:
    return _longcat(diffusers.LongCatImageEditPipeline, folder)


def _joy(pipeline_class: Any, transformer_class: Any, folder: Path) -> Path:
    encoder, processor = qwen3_vl()
    torch.manual_seed(0)
    pipeline_class(
        scheduler=flow(), text_encoder=encoder, tokenizer=processor.tokenizer, processor=processor,
        vae=diffusers.AutoencoderKLWan(
            base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
        ),
        transformer=transformer_class(
            patch_size=[1, 2, 2], in_channels=16, hidden_size=32, num_attention_heads=2, text_dim=16, num_layers=1,
            rope_dim_list=[4, 6, 6],
        ),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_joy_edit_plus(folder: Path) -> Path:
    return _joy(diffusers.JoyImageEditPlusPipeline, diffusers.JoyImageEditPlusTransformer3DModel, folder)


def save_joy_edit(folder: Path) -> Path:
    return _joy(diffusers.JoyImageEditPipeline, diffusers.JoyImageEditTransformer3DModel, folder)


def save_glm(folder: Path) -> Path:
    """GLM-Image: a language model writes the picture in tokens, which a transformer then draws."""
    encoder, tokenizer = glyphs()
    special = ["<|image|>", "<|begin_of_image|>", "<|end_of_image|>", "<sop>", "<eop>", "<|start|>", "<|end|>"]
    named = {"image_token": "<|image|>", "grid_bos_token": "<sop>", "grid_eos_token": "<eop>", "bos_token": "<|start|>"}
    words = qwen_tokenizer(*special, **named)
    number: Any = words.convert_tokens_to_ids
    torch.manual_seed(0)
    reader = GlmImageForConditionalGeneration(
        GlmImageConfig(
            text_config={
                "vocab_size": 300, "hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2,
                "num_attention_heads": 2, "num_key_value_heads": 2, "vision_vocab_size": 128,
                "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": (4, 2, 2)},
                "pad_token_id": 0, "eos_token_id": 299,  # never written: a picture has as many tokens as asked for
            },
            vision_config={
                "depth": 2, "hidden_size": 32, "num_heads": 2, "image_size": 32, "patch_size": 16,
                "intermediate_size": 37,
            },
            vq_config={"embed_dim": 32, "num_embeddings": 128, "latent_channels": 32},
            image_token_id=number("<|image|>"), image_start_token_id=number("<|start|>"),
            image_end_token_id=number("<|end|>"),
        )
    )  # fmt: skip
    processor = transformers.GlmImageProcessor(
        image_processor=transformers.GlmImageImageProcessor(
            patch_size=16, merge_size=1, temporal_patch_size=1, min_pixels=32**2, max_pixels=64**2
        ),
        tokenizer=words,
        chat_template="{% for m in messages %}{% for c in m.content %}{% if c.type == 'image' %}"
        "<|begin_of_image|><|image|><|end_of_image|>{% else %}{{ c.text }}{% endif %}{% endfor %}{% endfor %}",
    )  # fmt: skip
    diffusers.GlmImagePipeline(
        scheduler=flow(), text_encoder=encoder, tokenizer=tokenizer, vision_language_encoder=reader,
        processor=processor,
        vae=diffusers.AutoencoderKL(
            block_out_channels=(4, 8, 8, 8), latent_channels=4, norm_num_groups=4, latents_mean=[0.0] * 4,
            latents_std=[1.0] * 4, down_block_types=("DownEncoderBlock2D",) * 4,
            up_block_types=("UpDecoderBlock2D",) * 4,
        ),
        transformer=diffusers.GlmImageTransformer2DModel(
            in_channels=4, out_channels=4, num_layers=1, attention_head_dim=8, num_attention_heads=2,
            text_embed_dim=32, time_embed_dim=16, condition_dim=8, prior_vq_quantizer_codebook_size=128,
        ),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_hunyuan_image(folder: Path) -> Path:
    encoder, processor = qwen_vl()
    second, letters = glyphs()
    torch.manual_seed(0)
    guider = diffusers.AdaptiveProjectedMixGuidance
    diffusers.HunyuanImagePipeline(
        scheduler=flow(), text_encoder=encoder, tokenizer=processor.tokenizer, text_encoder_2=second,
        tokenizer_2=letters, guider=guider(), ocr_guider=guider(),
        vae=diffusers.AutoencoderKLHunyuanImage(
            in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(32, 32, 32, 32), layers_per_block=1,
            spatial_compression_ratio=8, sample_size=128, scaling_factor=0.5,
        ),
        transformer=diffusers.HunyuanImageTransformer2DModel(
            in_channels=4, out_channels=4, num_attention_heads=4, attention_head_dim=8, num_layers=1,
            num_single_layers=1, num_refiner_layers=1, patch_size=(1, 1), text_embed_dim=16, text_embed_2_dim=32,
            rope_axes_dim=(4, 4),
        ),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_fibo_edit(folder: Path) -> Path:
    torch.manual_seed(0)
    channels = 16
    encoder = SmolLM3ForCausalLM(
        SmolLM3Config(
            vocab_size=128_256, hidden_size=32, intermediate_size=37, num_hidden_layers=4, num_attention_heads=2,
            num_key_value_heads=2, pad_token_id=0, bos_token_id=0, eos_token_id=2,
        )
    )  # fmt: skip
    diffusers.BriaFiboEditPipeline(
        scheduler=flow(), text_encoder=encoder, tokenizer=qwen_tokenizer(),
        vae=diffusers.AutoencoderKLWan(
            base_dim=4, decoder_base_dim=4, z_dim=channels, dim_mult=[1, 1, 1, 1], num_res_blocks=1, in_channels=12,
            out_channels=12, is_residual=True, patch_size=2, scale_factor_spatial=16,
            temperal_downsample=[False, True, True], latents_mean=[0.0] * channels, latents_std=[1.0] * channels,
        ),
        transformer=diffusers.BriaFiboTransformer2DModel(
            patch_size=1, in_channels=channels, num_layers=1, num_single_layers=1, attention_head_dim=8,
            num_attention_heads=2, joint_attention_dim=64, text_encoder_dim=32, axes_dims_rope=(0, 4, 4),
        ),
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_hidream(folder: Path) -> Path:
    """With its Llama, which the makers' repositories leave out."""
    encoder, tokenizer = t5()
    torch.manual_seed(0)
    llama = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=300, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2,
        )
    )  # fmt: skip
    transformer = diffusers.HiDreamImageTransformer2DModel(
        patch_size=2, in_channels=4, out_channels=4, num_layers=1, num_single_layers=1, attention_head_dim=8,
        num_attention_heads=4, caption_channels=[WIDTH, 16], text_emb_dim=2 * WIDTH, num_routed_experts=4,
        num_activated_experts=2, axes_dims_rope=(4, 2, 2), max_resolution=(32, 32), llama_layers=(0, 1),
    )  # fmt: skip
    diffusers.HiDreamImagePipeline(
        scheduler=flow(), vae=vae(), text_encoder=clip_text(True, positions=248), tokenizer=clip_tokenizer(),
        text_encoder_2=clip_text(True, positions=248), tokenizer_2=clip_tokenizer(), text_encoder_3=encoder,
        tokenizer_3=tokenizer, text_encoder_4=llama, tokenizer_4=qwen_tokenizer(), transformer=transformer,
    ).save_pretrained(folder)  # fmt: skip
    return folder
