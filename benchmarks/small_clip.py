"""Two small open_clip models of different architecture, trained on rendered things in a few minutes on a CPU."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from testing.rendered_things import SIDE, nouns, scene

TEXT = {"context_length": 16, "vocab_size": 49408, "width": 64, "heads": 4, "layers": 1}
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "vit": {"image_size": SIDE, "layers": 3, "width": 96, "head_width": 32, "patch_size": 12},
    "resnet": {"image_size": SIDE, "layers": [1, 1, 1, 1], "width": 12, "head_width": 24},
}
STEPS, BATCH, RATE = 900, 64, 2e-3
POOL = 12
"""Pictures of each noun, rendered beforehand."""


def build(name: str, folder: Path) -> Path:
    """Train one of ``ARCHITECTURES`` unless the folder has it, and return the folder that open_clip loads."""
    target = folder / name
    if (target / "open_clip_model.safetensors").is_file():
        return target
    import open_clip
    import torch
    from safetensors.torch import save_file
    from torch.nn import functional

    began = time.perf_counter()
    torch.manual_seed(len(name))
    config = {"embed_dim": 64, "vision_cfg": ARCHITECTURES[name], "text_cfg": TEXT}
    model = open_clip.CLIP(**config)
    random = np.random.default_rng(len(name))
    words = nouns()
    pool = np.stack([[np.asarray(_training_picture(noun, random)) for _ in range(POOL)] for noun in words])
    tokens = open_clip.tokenize([f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}" for noun in words], 16)
    bare = open_clip.tokenize(words, 16)
    optimiser = torch.optim.AdamW(model.parameters(), RATE, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, STEPS, pct_start=0.1)
    model.train()
    for step in range(STEPS):
        chosen = random.choice(len(words), BATCH, replace=False)
        pixels = pool[chosen, random.integers(POOL, size=BATCH)].astype(np.float32) / 127.5 - 1
        texts = (tokens if step % 2 else bare)[torch.from_numpy(chosen)]
        images = model.encode_image(torch.from_numpy(pixels).permute(0, 3, 1, 2), normalize=True)
        logits = model.logit_scale.exp().clamp(max=100) * images @ model.encode_text(texts, normalize=True).T
        truth = torch.arange(BATCH)
        loss = (functional.cross_entropy(logits, truth) + functional.cross_entropy(logits.T, truth)) / 2
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if step % 200 == 0:
            print(f"  {name} step {step}: loss {loss.item():.3f}, {time.perf_counter() - began:.0f} s", flush=True)
    target.mkdir(parents=True, exist_ok=True)
    preprocessing = {"mean": [0.5] * 3, "std": [0.5] * 3}
    content = json.dumps({"model_cfg": config, "preprocess_cfg": preprocessing})
    (target / "open_clip_config.json").write_text(content, encoding="utf-8")
    save_file(
        {key: value.contiguous() for key, value in model.state_dict().items()}, target / "open_clip_model.safetensors"
    )
    return target


def _training_picture(noun: str, random: np.random.Generator) -> Any:
    """Return a thing alone, or a window of a scene that it is in, as the critic cuts them."""
    if random.random() < 0.5:
        return scene([noun], random)
    things = [noun, *random.choice(nouns(), int(random.integers(1, 3)), replace=False)]
    wide = scene(things, random, 2 * SIDE)
    edge = int(2 * SIDE * random.uniform(0.5, 0.75))
    left, top = int(random.uniform(0, 0.15) * edge), (2 * SIDE - edge) // 2
    return wide.crop((left, top, left + edge, top + edge)).resize((SIDE, SIDE))
