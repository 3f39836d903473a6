"""Tiny chat checkpoints with random weights, saved to disk to be loaded again as any checkpoint is."""

from pathlib import Path

import torch
from transformers import (
    CLIPImageProcessor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from tests import tiny_families

TEMPLATE = (
    "{% if tools %}<|im_start|>system\nTools: {{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}"
    "{% if c.type == 'image' %}IMAGE{% else %}{{ c.text }}{% endif %}{% endfor %}{% endif %}"
    "{% for t in m.tool_calls or [] %}<tool_call>{{ t.function | tojson }}</tool_call>{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save_qwen_vl(folder: Path) -> Path:
    torch.manual_seed(0)
    tokenizer = tiny_families.qwen_tokenizer()
    number = tokenizer.convert_tokens_to_ids
    template = TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    tokenizer.chat_template = template
    Qwen2_5_VLForConditionalGeneration(
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
    ).save_pretrained(folder)  # fmt: skip
    Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(min_pixels=28 * 28, max_pixels=56 * 56), tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(), chat_template=template,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_llava(folder: Path) -> Path:
    torch.manual_seed(0)
    tokenizer = tiny_families.qwen_tokenizer("<image>")
    template = TEMPLATE.replace("IMAGE", "<image>")
    LlavaForConditionalGeneration(
        LlavaConfig(
            text_config={
                "model_type": "qwen2", "hidden_size": 16, "intermediate_size": 37, "num_hidden_layers": 2,
                "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 300, "bos_token_id": 0,
                "eos_token_id": 2,
            },
            vision_config={
                "model_type": "clip_vision_model", "hidden_size": 16, "intermediate_size": 37, "num_hidden_layers": 2,
                "num_attention_heads": 2, "image_size": 28, "patch_size": 14,
            },
            image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        )
    ).save_pretrained(folder)  # fmt: skip
    LlavaProcessor(
        image_processor=CLIPImageProcessor(size=28, crop_size=28), tokenizer=tokenizer, chat_template=template,
        patch_size=14, vision_feature_select_strategy="default", image_token="<image>", num_additional_image_tokens=1,
    ).save_pretrained(folder)  # fmt: skip
    return folder


def save_words_only(folder: Path, template: str | None = TEMPLATE) -> Path:
    torch.manual_seed(0)
    tokenizer = tiny_families.qwen_tokenizer()
    tokenizer.chat_template = template
    Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=300, hidden_size=16, intermediate_size=37, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, head_dim=8, bos_token_id=0, eos_token_id=2,
        )
    ).save_pretrained(folder)  # fmt: skip
    tokenizer.save_pretrained(folder)
    return folder
