"""Sentence embeddings from the frozen text tower (all-MiniLM-L6-v2), for scripts that run before the CLIP exists."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imagerag.embedders.clip import text_tower_folder


def embed_sentences(texts: Sequence[str], batch: int = 256) -> NDArray[np.float32]:
    """Mean-pooled unit embeddings, (n, 384). Sorted by length inside, so that little padding is computed."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = str(text_tower_folder())
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    out = np.zeros((len(texts), model.config.hidden_size), np.float32)
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            tokens = tokenizer([texts[i] for i in rows], padding=True, truncation=True, return_tensors="pt")
            states = model(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1).float()
            mean = (states * mask).sum(1) / mask.sum(1)
            out[rows] = torch.nn.functional.normalize(mean, dim=-1).numpy()
    return out
