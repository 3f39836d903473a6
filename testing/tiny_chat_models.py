"""Tiny chat checkpoints with random weights, saved to disk to be loaded again as any checkpoint is."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from tokenizers.processors import TemplateProcessing
from transformers import (
    CLIPImageProcessor,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    Qwen3Config,
    Qwen3ForCausalLM,
    SmolVLMConfig,
    SmolVLMForConditionalGeneration,
    SmolVLMImageProcessor,
    SmolVLMVideoProcessor,
)

from testing import tiny_families

TEMPLATE = (
    "{% if tools %}<|im_start|>system\nTools: {{ tools | tojson }}<|im_end|>\n{% endif %}"
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{% if m.content is string %}{{ m.content }}{% else %}{% for c in m.content %}"
    "{% if c.type == 'image' %}IMAGE{% else %}{{ c.text }}{% endif %}{% endfor %}{% endif %}"
    "{% for t in m.tool_calls or [] %}<tool_call>{{ t.function | tojson }}</tool_call>{% endfor %}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def picture_block(colour: str = "red", size: tuple[int, int] = (60, 40)) -> dict[str, Any]:
    """Return a picture as messages have it."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return {"type": "image", "base64": base64.b64encode(buffer.getvalue()).decode(), "mime_type": "image/png"}


def save_qwen_vl(folder: Path) -> Path:
    model, processor = tiny_families.qwen_vl()
    template = TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>")
    processor.chat_template = processor.tokenizer.chat_template = template
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


BOS = "<|endoftext|>"
"""With which ``save_llava``'s tokenizer begins, where it is told to, as those of Llama and Gemma do."""


def save_llava(folder: Path, begins: bool = False, template: str = TEMPLATE) -> Path:
    torch.manual_seed(0)
    tokenizer = tiny_families.qwen_tokenizer("<image>")
    if begins:
        tokenizer.bos_token = BOS
        backend: Any = tokenizer.backend_tokenizer
        backend.post_processor = TemplateProcessing(
            single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.convert_tokens_to_ids(BOS))]
        )
    template = template.replace("IMAGE", "<image>")
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


def save_smolvlm(folder: Path) -> Path:
    """A SmolVLM, whose processor is written by hand: it can't be made where num2words is not installed."""
    torch.manual_seed(0)
    tokenizer = tiny_families.qwen_tokenizer("<image>", "<global-img>", "<fake_token_around_image>")
    tokenizer.chat_template = TEMPLATE.replace("IMAGE", "<image>")
    SmolVLMForConditionalGeneration(
        SmolVLMConfig(
            text_config={
                "model_type": "llama", "hidden_size": 16, "intermediate_size": 37, "num_hidden_layers": 2,
                "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 300, "pad_token_id": 0,
                "bos_token_id": 0, "eos_token_id": 2,
            },
            vision_config={
                "hidden_size": 16, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 2,
                "image_size": 28, "patch_size": 14,
            },
            image_token_id=tokenizer.convert_tokens_to_ids("<image>"), scale_factor=2,
        )
    ).save_pretrained(folder)  # fmt: skip
    tokenizer.save_pretrained(folder)
    size = {"longest_edge": 28}
    SmolVLMImageProcessor(size=size, max_image_size=size, do_image_splitting=False).save_pretrained(folder)
    SmolVLMVideoProcessor(size=size, max_image_size=size).save_pretrained(folder)
    parts = {"processor_class": "SmolVLMProcessor", "image_seq_len": 1}
    (folder / "processor_config.json").write_text(json.dumps(parts), encoding="utf-8")
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
