"""The Llama that HiDream-I1 reads prompts with, which its repositories leave out: it has a licence of its own."""

from __future__ import annotations

from typing import Any

import torch

from imagerag.generators.diffusion.preset_files import LLAMA_PARTS


def llama_components(where: str, dtype: torch.dtype, in_4bit: bool, **options: Any) -> dict[str, Any]:
    """Load a Llama and its tokenizer, as keyword arguments for the pipeline's ``from_pretrained``.

    Args:
        where: a repository or folder; nothing is loaded where it is empty.
        dtype: of its weights.
        in_4bit: quantise them.
        options: for the model's ``from_pretrained``.
    """
    if not where:
        return {}
    import transformers

    # To a type checker, half of transformers is untyped.
    libraries: Any = transformers
    if in_4bit:
        options["quantization_config"] = libraries.BitsAndBytesConfig(
            load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype
        )
    # The pipeline reads every layer's output (diffusers, HiDreamImagePipeline).
    encoder = libraries.LlamaForCausalLM.from_pretrained(
        where, output_hidden_states=True, output_attentions=True, dtype=dtype, **options
    )
    return dict(zip(LLAMA_PARTS, (libraries.AutoTokenizer.from_pretrained(where), encoder.eval()), strict=True))
