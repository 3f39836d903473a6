"""Train the embedded CLIP's image tower to meet a frozen text tower (LiT: Zhai et al. 2022, arXiv 2111.07991).

    python -m training.train_clip --work .work/clip --minutes 55

Stops after `--minutes` of its own wall-clock time; run it again with the same `--work` to resume after a crash. The
schedule follows the clock and not a step count, so that a busy machine still ends with a fully annealed model.
`--export` writes assets/clip/ from the newest checkpoint and exits.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import random
import shutil
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from open_clip.timm_model import TimmModel
from safetensors.torch import save_file
from torch import Tensor

from imagerag.embedders.clip import text_tower_folder
from training.clip_text import TextBank, build_text_bank
from training.compose_scenes import SceneSettings, compose, on_white
from training.pictures import Pictures, load_pictures

ASSETS = Path(__file__).parents[1] / "assets"
TOWER, SIZE, DIM = "resnet10t", 64, 384
STORED = 80  # pixels of the pictures kept in memory: a window shows an object at up to 1.15 x 64
FLIPPABLE = ("animals and nature", "food and drink", "travel and places")  # "left arrow" must not be mirrored
MEAN, STD = 0.5, 0.5
MAX_SCALE = 30.0  # a higher temperature would let tiny differences of cosines do, far from any text


def build_tower() -> TimmModel:
    """The image tower as open_clip builds it from assets/clip/open_clip_config.json; random weights."""
    return TimmModel(TOWER, embed_dim=DIM, image_size=SIZE, pool="avg", proj="linear")


class Averaged:
    """Exponential moving average of weights and batch-norm statistics: better than any single step's weights."""

    def __init__(self, model: torch.nn.Module, decay: float = 0.998) -> None:
        self.model, self.decay, self.steps = copy.deepcopy(model).eval(), decay, 0

    @torch.no_grad()
    def update(self, model: torch.nn.Module) -> None:
        self.steps += 1
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for mine, theirs in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - keep)
            else:
                mine.copy_(theirs)


def concept_loss(
    z: Tensor, bank: TextBank, rows: Tensor, label: Tensor, other: Tensor, share: Tensor, scale: Tensor
) -> Tensor:
    """Cross-entropy over one text per concept. `share` of the target goes to the `other` concept in pairs.

    A text that is also true of the image's concept (a keyword two concepts share) is no negative: it is masked.
    """
    logits = scale * z @ bank.embeddings[rows].T
    also_true = bank.owners[rows][:, label].T.clone()
    also_true.scatter_(1, label[:, None], False)
    pairs = share > 0
    also_true[pairs.nonzero().squeeze(1), other[pairs]] = False
    log_p = logits.masked_fill(also_true, -1e4).log_softmax(1)
    mine, theirs = log_p.gather(1, label[:, None])[:, 0], log_p.gather(1, other[:, None])[:, 0]
    return -((1 - share) * mine + share * theirs).mean()


def centre_loss(z: Tensor, bank: TextBank, label: Tensor, share: Tensor) -> Tensor:
    """1 - cosine with the centre of the concept's texts, over images of one concept.

    The cross-entropies only ask that an image be nearer to its own texts than to others', which a direction far from
    all texts can satisfy (cosines of 0.3). Words outside of the training ("rucksack") are then matched by accident.
    Near the texts' centre, an image is found by whatever the text tower thinks close to them.
    """
    return ((1 - (z * bank.centres[label]).sum(1)) * (share == 0)).mean()


def style_loss(z: Tensor, bank: TextBank, style: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy over style words, all true ones together."""
    log_p = (scale * z @ bank.styles.T).log_softmax(1)
    return -log_p.masked_fill(~bank.style_truth.T[style], -1e4).logsumexp(1).mean()


@torch.inference_mode()
def embed(model: torch.nn.Module, rgba: Tensor, batch: int = 256) -> Tensor:
    """Unit embeddings (n, DIM) of premultiplied pictures on white."""
    out = []
    for start in range(0, len(rgba), batch):
        x = (on_white(rgba[start : start + batch], SIZE) - MEAN) / STD
        with torch.autocast("cpu", torch.bfloat16):
            z = model(x.to(memory_format=torch.channels_last))
        out.append(F.normalize(z.float(), dim=-1))
    return torch.cat(out)


def held_out_ranks(model: torch.nn.Module, pictures: Pictures, bank: TextBank) -> tuple[float, float]:
    """Top-1 and top-5 over all concepts' names, on the pairs never trained on."""
    rows = pictures.held_out.nonzero().squeeze(1)
    top = (embed(model, pictures.rgba[rows]) @ bank.embeddings[bank.names].T).topk(5).indices
    hits = top == pictures.concept[rows][:, None]
    return hits[:, 0].float().mean().item(), hits.any(1).float().mean().item()


def siblings(pictures: Pictures, train: Tensor) -> list[Tensor]:
    """Per concept, the training pictures of it: for mixtures of two styles."""
    order: list[list[int]] = [[] for _ in pictures.concepts]
    for i in train.tolist():
        order[int(pictures.concept[i])].append(i)
    return [torch.tensor(rows) for rows in order]


def export(checkpoint: Path, folder: Path) -> None:
    """Write the averaged image tower, fp16, and open_clip's config, to `folder`."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    tensors = {
        key: value.half() if value.dtype.is_floating_point else value for key, value in state["averaged"].items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / "image_tower.safetensors")
    config = {
        "model_cfg": {
            "embed_dim": DIM,
            # the temperature the tower was trained with; open_clip keeps it outside of the towers' weights
            "init_logit_scale": round(min(state["log_scale"].item(), math.log(MAX_SCALE)), 4),
            "vision_cfg": {
                "timm_model_name": TOWER,
                "timm_model_pretrained": False,
                "timm_pool": "avg",
                "timm_proj": "linear",
                "image_size": SIZE,
            },
            "text_cfg": {
                "hf_model_name": "all-MiniLM-L6-v2",
                "hf_tokenizer_name": "all-MiniLM-L6-v2",
                "hf_pooler_type": "mean_pooler",
                "hf_proj_type": None,
                "hf_model_pretrained": False,
                "context_length": 64,
            },
        },
        "preprocess_cfg": {"mean": [MEAN] * 3, "std": [STD] * 3, "interpolation": "bilinear", "resize_mode": "squash"},
    }
    for name in ("tokenizer.json", "tokenizer_config.json"):  # open_clip wants them beside its config
        shutil.copyfile(text_tower_folder() / name, folder / name)
    (folder / "open_clip_config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=Path(".work/clip"), help="checkpoints and logs")
    parser.add_argument("--start", type=Path, help="begin a new schedule with the weights of this checkpoint")
    parser.add_argument("--minutes", type=float, default=55.0)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--style-weight", type=float, default=0.12)
    parser.add_argument("--centre-weight", type=float, default=8.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--export", action="store_true", help="write assets/clip/ from the newest checkpoint and exit")
    args = parser.parse_args()
    checkpoint = args.work / "checkpoint.pt"
    if args.export:
        export(checkpoint, ASSETS / "clip")
        return
    args.work.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    pictures = load_pictures(STORED)
    cache = args.work / "texts.pt"
    bank = torch.load(cache, weights_only=False) if cache.exists() else build_text_bank(pictures)
    torch.save(bank, cache)
    print(f"{len(pictures.concepts)} concepts, {len(bank.embeddings)} texts", flush=True)

    train = (~pictures.held_out).nonzero().squeeze(1)
    same = siblings(pictures, train)
    may_flip = torch.tensor([name in FLIPPABLE for name in pictures.categories])[pictures.group]
    model = build_tower().to(memory_format=torch.channels_last)
    log_scale = torch.nn.Parameter(torch.tensor(math.log(20.0)))
    style_scale = torch.nn.Parameter(torch.tensor(math.log(20.0)))
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1] + [log_scale, style_scale]
    optimiser = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}], lr=args.lr, fused=True
    )
    averaged = Averaged(model)
    step, spent = 0, 0.0
    begun = checkpoint if checkpoint.exists() else args.start
    if begun is not None:
        state = torch.load(begun, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        averaged.model.load_state_dict(state["averaged"])
        optimiser.load_state_dict(state["optimiser"])
        step, spent = state["step"], state["spent"] if begun == checkpoint else 0.0
        averaged.steps = step
        with torch.no_grad():
            log_scale.copy_(state["log_scale"].clamp(max=math.log(MAX_SCALE)))
            style_scale.copy_(state["style_scale"])
        print(f"resumed at step {step}, {spent / 60:.1f} min", flush=True)

    settings = SceneSettings(size=SIZE)
    g = torch.Generator().manual_seed(args.seed + step)
    rng = random.Random(args.seed + step)
    started, losses, seen = time.monotonic() - spent, [], 0
    logged_at = time.monotonic()
    order = train[torch.randperm(len(train), generator=g)]
    cursor = 0

    def save() -> None:
        part = checkpoint.with_suffix(".part")
        torch.save(
            {
                "model": model.state_dict(),
                "averaged": averaged.model.state_dict(),
                "optimiser": optimiser.state_dict(),
                "log_scale": log_scale.data,
                "style_scale": style_scale.data,
                "step": step,
                "spent": time.monotonic() - started,
            },
            part,
        )
        os.replace(part, checkpoint)

    model.train()
    while True:
        progress = (time.monotonic() - started) / (args.minutes * 60)
        if progress >= 1:
            break
        rate = args.lr * min(1.0, (step + 1) / 200) * (0.5 + 0.5 * math.cos(math.pi * progress)) + 1e-6
        for group in optimiser.param_groups:
            group["lr"] = rate
        if cursor + args.batch > len(order):
            order, cursor = train[torch.randperm(len(train), generator=g)], 0
        rows = order[cursor : cursor + args.batch]
        cursor += args.batch
        label = pictures.concept[rows]
        twin = torch.stack([same[c][rng.randrange(len(same[c]))] for c in label.tolist()])
        second = train[torch.randint(len(train), (len(rows),), generator=g)]
        drawn = (pictures.rgba[rows], pictures.rgba[twin], pictures.rgba[second])
        x, share = compose(*drawn, may_flip[rows], pictures.paintable[label], settings, g)
        x = ((x - MEAN) / STD).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            z = model(x)
        z = F.normalize(z.float(), dim=-1)
        scale = log_scale.exp().clamp(max=MAX_SCALE)
        other = pictures.concept[second]
        share = torch.where(other == label, torch.zeros(()), share)
        loss = 0.5 * concept_loss(z, bank, bank.names, label, other, share, scale)
        loss = loss + 0.5 * concept_loss(z, bank, bank.sample(rng), label, other, share, scale)
        total = loss + args.style_weight * style_loss(z, bank, pictures.style[rows], style_scale.exp().clamp(max=100.0))
        cosine = (z.detach() * bank.names_of(label)).sum(1).mean()
        total = total + args.centre_weight * centre_loss(z, bank, label, share)
        optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimiser.step()
        averaged.update(model)
        step += 1
        seen += len(rows)
        losses.append(loss.item())
        if step % 100 == 0:
            top1, top5 = held_out_ranks(averaged.model, pictures, bank)
            speed = seen / (time.monotonic() - logged_at)
            print(
                f"step {step} min {(time.monotonic() - started) / 60:.1f} loss {sum(losses) / len(losses):.3f} "
                f"scale {scale.item():.1f} cosine {cosine.item():.3f} "
                f"held-out top1 {top1:.3f} top5 {top5:.3f} {speed:.0f} img/s",
                flush=True,
            )
            losses, seen, logged_at = [], 0, time.monotonic()
            save()
    top1, top5 = held_out_ranks(averaged.model, pictures, bank)
    save()
    print(f"done: step {step} held-out top1 {top1:.3f} top5 {top5:.3f}", file=sys.stderr)


if __name__ == "__main__":
    main()
