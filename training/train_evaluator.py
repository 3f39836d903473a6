"""Train the benchmarks' judge, evaluation/evaluator.safetensors, which shares nothing with the embedded CLIP.

    python -m training.train_evaluator --work .work/evaluator --minutes 45

Other architecture, seed, resolution, loss and scenes; no text. It sees every picture, held-out pairs too: it is there
to know the truth, not to generalise. Stops after `--minutes`; resumes from `--work`; `--export` writes the weights.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import save_file

from training.compose_scenes import SceneSettings, compose, on_white
from training.pictures import load_pictures

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))  # benchmarks/ is no part of the installed package

from imagerag.evaluation.evaluator import SIZE, WEIGHTS, build_network  # noqa: E402

FLIPPABLE = ("animals and nature", "food and drink", "travel and places")
SETTINGS = SceneSettings(
    size=SIZE,
    scale=(0.4, 1.3),
    rotation=8.0,
    full_frame=0.1,
    neighbour=0.5,
    pair=0.05,
    mixture=0.35,
    white=0.4,
    hue=0.2,
    noise=0.35,
    blur=0.35,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path(".work/evaluator"))
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--batch", type=int, default=192)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=77)
    parser.add_argument("--export", action="store_true", help="write evaluation/evaluator.safetensors and exit")
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    checkpoint = args.work / "checkpoint.pt"
    if args.export:
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        half = {k: (v.half() if v.dtype.is_floating_point else v).contiguous() for k, v in state["averaged"].items()}
        save_file(half, WEIGHTS, metadata={"concepts": json.dumps(state["concepts"])})
        return
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    pictures = load_pictures(SIZE)
    count = len(pictures.rgba)
    may_flip = torch.tensor([name in FLIPPABLE for name in pictures.categories])[pictures.group]
    same: list[list[int]] = [[] for _ in pictures.concepts]
    for i, c in enumerate(pictures.concept.tolist()):
        same[c].append(i)

    model = build_network(len(pictures.concepts)).to(memory_format=torch.channels_last)
    averaged = copy.deepcopy(model).eval()
    optimiser = torch.optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.03, fused=True)
    step, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        averaged.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"]
    g = torch.Generator().manual_seed(args.seed + step)
    started = time.monotonic() - spent
    order, cursor = torch.randperm(count, generator=g), 0
    losses: list[float] = []
    logged, seen = time.monotonic(), 0

    def save() -> None:
        part = checkpoint.with_suffix(".part")
        torch.save(
            {
                "model": model.state_dict(),
                "averaged": averaged.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": step,
                "spent": time.monotonic() - started,
                "concepts": pictures.concepts,
            },
            part,
        )
        os.replace(part, checkpoint)

    @torch.inference_mode()
    def top1() -> float:
        rows = torch.arange(0, count, 12)
        x = on_white(pictures.rgba[rows], SIZE) * 2 - 1
        answer = averaged(x.to(memory_format=torch.channels_last)).argmax(1)
        return float((answer == pictures.concept[rows]).float().mean())

    model.train()
    while (progress := (time.monotonic() - started) / (args.minutes * 60)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = args.lr * min(1.0, (step + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6
        if cursor + args.batch > count:
            order, cursor = torch.randperm(count, generator=g), 0
        rows = order[cursor : cursor + args.batch]
        cursor += args.batch
        label = pictures.concept[rows]
        pick = torch.randint(1 << 30, (len(rows),), generator=g).tolist()
        twin = torch.tensor([same[c][p % len(same[c])] for c, p in zip(label.tolist(), pick, strict=True)])
        second = torch.randint(count, (len(rows),), generator=g)
        drawn = (pictures.rgba[rows], pictures.rgba[twin], pictures.rgba[second])
        x, share = compose(*drawn, may_flip[rows], pictures.paintable[label], SETTINGS, g)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model((x * 2 - 1).to(memory_format=torch.channels_last))
        log_p = logits.float().log_softmax(1)
        mine = log_p.gather(1, label[:, None])[:, 0]
        theirs = log_p.gather(1, pictures.concept[second][:, None])[:, 0]
        loss = -((1 - share) * mine + share * theirs).mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        step += 1
        keep = min(0.998, (1 + step) / (10 + step))
        with torch.no_grad():
            for slow, fast in zip(averaged.state_dict().values(), model.state_dict().values(), strict=True):
                if slow.dtype.is_floating_point:
                    slow.lerp_(fast, 1 - keep)
                else:
                    slow.copy_(fast)
        losses.append(loss.item())
        seen += len(rows)
        if step % 100 == 0:
            print(
                f"step {step} min {(time.monotonic() - started) / 60:.1f} loss {sum(losses) / len(losses):.3f} "
                f"library top1 {top1():.3f} {seen / (time.monotonic() - logged):.0f} img/s",
                flush=True,
            )
            losses, logged, seen = [], time.monotonic(), 0
            save()
    save()


if __name__ == "__main__":
    main()
