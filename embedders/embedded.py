"""The two towers of the embedded CLIP in plain torch: the model that open_clip makes of ``assets/clip``, loaded sooner.

open_clip loads that folder as it loads any other, and the tests hold that both give the same embeddings. But the
import of open_clip brings torchvision, all of timm's models and transformers, whose own imports are scipy, sympy and
``torch._dynamo``: a third of the time of a run in a new process. What the folder describes is a small convolutional
network and a stack of transformer layers, so neither library is needed to run it.

Parameters have the names of the weights' files, and weights that don't fit are refused.
"""

from __future__ import annotations

import html
import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

_loading = threading.Lock()
"""Of the text tower; not a part of the model, which is sent to other processes."""


class EmbeddedClip(nn.Module):
    """The CLIP in a folder with a ``resnet10t`` image tower and a MiniLM text tower, as open_clip's ``CustomTextCLIP``.

    The text tower is loaded with the first text: a run on concepts whose names were embedded beforehand needs none.

    Args:
        folder: has ``open_clip_config.json`` and the image tower's weights.
        text_folder: the Hugging Face folder of the text tower.

    Raises:
        RuntimeError: the image tower's weights don't fit.
        OSError, safetensors.SafetensorError: a file is missing or damaged.
    """

    def __init__(self, folder: Path, text_folder: Path) -> None:
        super().__init__()
        config = json.loads((folder / "open_clip_config.json").read_text(encoding="utf-8"))
        side = config["model_cfg"]["vision_cfg"]["image_size"]
        preprocessing = {**config["preprocess_cfg"], "size": (side, side)}
        with torch.device("meta"):  # the weights come from the file: drawing random ones first takes longer
            self.visual = ImageTower(config["model_cfg"]["embed_dim"], preprocessing)
        _fill(self.visual, _read(folder / "image_tower.safetensors"))
        self.logit_scale = nn.Parameter(torch.tensor(config["model_cfg"]["init_logit_scale"]), requires_grad=False)
        self.text: TextTower | None = None
        self._text_folder = text_folder

    def encode_image(self, image: Tensor, normalize: bool = False) -> Tensor:
        """Return (n, d) embeddings of (n, 3, h, w) images; unit length with ``normalize``."""
        features: Tensor = self.visual(image)
        return functional.normalize(features, dim=-1) if normalize else features

    def encode_text(self, text: Tensor, normalize: bool = False) -> Tensor:
        """Return (n, d) embeddings of (n, length) token ids; unit length with ``normalize``."""
        features: Tensor = self._text_tower()(text)
        return functional.normalize(features, dim=-1) if normalize else features

    def _text_tower(self) -> TextTower:
        with _loading:
            if self.text is None:
                self.text = TextTower.load(self._text_folder).eval().to(self.logit_scale.device)
            return self.text


class ImageTower(nn.Module):
    """timm's ``resnet10t`` (He et al. 2015 with the stem and the shortcuts of He et al. 2018), pooled and projected."""

    def __init__(self, dimension: int, preprocess_cfg: Mapping[str, Any]) -> None:
        super().__init__()
        self.preprocess_cfg = dict(preprocess_cfg)
        self.trunk = _Trunk()
        self.head = nn.ModuleDict({"proj": nn.Linear(512, dimension, bias=False)})

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.head["proj"](self.trunk(x))
        return features


class _Trunk(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Sequential(
            _conv(3, 24, stride=2), nn.BatchNorm2d(24), nn.ReLU(),
            _conv(24, 32), nn.BatchNorm2d(32), nn.ReLU(),
            _conv(32, 64),
        )  # fmt: skip
        self.bn1 = nn.BatchNorm2d(64)
        self.layer1 = nn.Sequential(_Block(64, 64))
        self.layer2 = nn.Sequential(_Block(64, 128))
        self.layer3 = nn.Sequential(_Block(128, 256))
        self.layer4 = nn.Sequential(_Block(256, 512))

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return functional.adaptive_avg_pool2d(x, 1).flatten(1)


class _Block(nn.Module):
    """A residual block that halves the sides where it adds channels."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        stride = 1 if inputs == outputs else 2
        self.conv1 = _conv(inputs, outputs, stride)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = _conv(outputs, outputs)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential()
        if inputs != outputs:
            pool = nn.AvgPool2d(2, stride, ceil_mode=True, count_include_pad=False)
            self.downsample = nn.Sequential(pool, _conv(inputs, outputs, side=1), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.bn1(self.conv1(x)))
        return functional.relu(self.bn2(self.conv2(y)) + self.downsample(x))


def _conv(inputs: int, outputs: int, stride: int = 1, side: int = 3) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, side, stride, padding=side // 2, bias=False)


class TextTower(nn.Module):
    """A BERT encoder (Devlin et al. 2018), its outputs averaged over the tokens that are no padding.

    Args:
        config: of a Hugging Face ``BertModel``.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width = config["hidden_size"]
        self._padding = config["pad_token_id"]
        # not nn.Embedding: to initialise one on the meta device, torch imports its compiler
        self.words = nn.Parameter(torch.empty(config["vocab_size"], width))
        self.positions = nn.Parameter(torch.empty(config["max_position_embeddings"], width))
        self.kinds = nn.Parameter(torch.empty(config["type_vocab_size"], width))
        self.norm = nn.LayerNorm(width, config["layer_norm_eps"])
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config["num_hidden_layers"]))

    @classmethod
    def load(cls, folder: Path) -> TextTower:
        """Return the tower of a Hugging Face folder.

        Raises:
            RuntimeError: the weights don't fit.
            OSError, safetensors.SafetensorError: a file is missing or damaged.
        """
        with torch.device("meta"):
            tower = cls(json.loads((folder / "config.json").read_text(encoding="utf-8")))
        _fill(tower, _torch_names(_read(folder / "model.safetensors")))
        return tower

    def forward(self, tokens: Tensor) -> Tensor:
        """Return (n, width) embeddings of (n, length) token ids."""
        kept = tokens != self._padding
        x = functional.embedding(tokens, self.words) + self.kinds[0] + self.positions[: tokens.shape[1]]
        total: Tensor = (self._encoded(x, kept) * kept.unsqueeze(-1)).sum(1)
        pooled: Tensor = total / kept.sum(-1, keepdim=True)
        return pooled

    def states(self, tokens: Tensor, kept: Tensor, kinds: Tensor, added: Tensor) -> Tensor:
        """Return the states of all tokens, (n, length, width).

        Args:
            tokens: (n, length) ids.
            kept: (n, length), whether a token is no padding.
            kinds: (n, length), 0 in the first text and 1 in the second.
            added: (n, length, width), to what the first layer gets.
        """
        x = functional.embedding(tokens, self.words) + self.kinds[kinds] + self.positions[: tokens.shape[1]]
        return self._encoded(x + added, kept)

    def _encoded(self, x: Tensor, kept: Tensor) -> Tensor:
        x = self.norm(x)
        mask = None if bool(kept.all()) else kept[:, None, None, :].expand(-1, 1, x.shape[1], -1)
        for layer in self.layers:
            x = layer(x, mask)
        return x


class _Layer(nn.Module):
    """One layer of the encoder, in the order of operations of transformers' ``BertLayer``.

    torch has a layer of its own, which computes the three projections as one: its sums differ in the last bit, and a
    drawing weighted by them in a pixel or two, so that images of earlier versions could not be drawn again.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__()
        width, epsilon = config["hidden_size"], config["layer_norm_eps"]
        self._heads = config["num_attention_heads"]
        self._activation = getattr(functional, config["hidden_act"])
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm1 = nn.LayerNorm(width, epsilon)
        self.linear1 = nn.Linear(width, config["intermediate_size"])
        self.linear2 = nn.Linear(config["intermediate_size"], width)
        self.norm2 = nn.LayerNorm(width, epsilon)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        shape = (*x.shape[:-1], self._heads, -1)
        query, key, value = (one(x).view(shape).transpose(1, 2) for one in (self.query, self.key, self.value))
        seen = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        x = self.norm1(self.out(seen.transpose(1, 2).reshape(x.shape)) + x)
        y: Tensor = self.norm2(self.linear2(self._activation(self.linear1(x))) + x)
        return y


class Tokenizer:
    """Texts to token ids, as ``open_clip.get_tokenizer`` of the folder; padded to the longest text, not to a length.

    Args:
        folder: has ``tokenizer.json`` and ``open_clip_config.json``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._tokenizer: Any = None

    def __call__(self, texts: Sequence[str]) -> Tensor:
        """Return (n, length) ids; a text of more tokens than the model's context is cut."""
        import ftfy

        if self._tokenizer is None:
            self._tokenizer = self._load()
        clean = [" ".join(html.unescape(html.unescape(ftfy.fix_text(text))).split()) for text in texts]
        return torch.tensor([encoding.ids for encoding in self._tokenizer.encode_batch(clean)])

    def _load(self) -> Any:
        import tokenizers

        config = json.loads((self._folder / "open_clip_config.json").read_text(encoding="utf-8"))
        tokenizer = tokenizers.Tokenizer.from_file(str(self._folder / "tokenizer.json"))
        tokenizer.enable_truncation(config["model_cfg"]["text_cfg"]["context_length"])
        tokenizer.enable_padding(pad_id=tokenizer.token_to_id("[PAD]"), pad_token="[PAD]")
        return tokenizer


def _read(file: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    weights: dict[str, Tensor] = load_file(file)
    return weights


def _fill(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    wide = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in weights.items()}
    module.load_state_dict(wide, assign=True)
    module.requires_grad_(False)


_NAMES = {
    "embeddings.word_embeddings.weight": "words",
    "embeddings.position_embeddings.weight": "positions",
    "embeddings.token_type_embeddings.weight": "kinds",
    "embeddings.LayerNorm.weight": "norm.weight",
    "embeddings.LayerNorm.bias": "norm.bias",
}
_LAYER_NAMES = {
    "attention.self.query": "query",
    "attention.self.key": "key",
    "attention.self.value": "value",
    "attention.output.dense": "out",
    "attention.output.LayerNorm": "norm1",
    "intermediate.dense": "linear1",
    "output.dense": "linear2",
    "output.LayerNorm": "norm2",
}
"""Of ``BertModel``, and of ``TextTower``."""


def _torch_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a ``BertModel``'s weights by the names that ``TextTower`` has for them; what it has no use for is left."""
    named: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        owner, _, kind = name.rpartition(".")
        if name in _NAMES:
            named[_NAMES[name]] = tensor
        elif owner.startswith("encoder.layer."):
            number, _, part = owner.removeprefix("encoder.layer.").partition(".")
            if part in _LAYER_NAMES:
                named[f"layers.{number}.{_LAYER_NAMES[part]}.{kind}"] = tensor
    return named
