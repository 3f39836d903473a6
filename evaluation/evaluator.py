"""The judge of evaluations on pictograms: a network that has nothing to do with the product's critic.

A plain classifier over the library's concepts, of another architecture, trained from random weights with another seed
and other scenes, without any text model (``training/train_evaluator.py``). Evaluations and benchmarks alone use it. Its
own errors on scenes with known truth: ``python -m benchmarks.evaluator``.

It knows things by their colours as well. A thing that a prompt names a colour for is looked for in pictures in which
what has that colour is painted back (``imagerag.evaluation.own_colours``), by a threshold of its own.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from imagerag.assets.library import Library, bundled_library
from imagerag.evaluation.own_colours import painted_back, palettes
from imagerag.generators.patchwork.recolour import Floats
from imagerag.regular_files import read_regular_text

if TYPE_CHECKING:
    from PIL import Image

WEIGHTS = Path(__file__).with_name("evaluator.safetensors")
CALIBRATION = Path(__file__).with_name("evaluator.json")
TOWER, SIZE = "regnetx_002", 80

WINDOWS = ((1.0, 1), (0.75, 3), (0.55, 4), (0.4, 5))
"""Side of the square windows as a share of the image's, and how many per axis: an object may be anywhere."""


def build_network(concepts: int) -> Any:
    """Return the classifier with random weights: (n, 3, 80, 80) in -1..1 to (n, concepts) logits."""
    import timm

    return timm.create_model(TOWER, num_classes=concepts, pretrained=False)


def windows() -> list[tuple[float, float, float]]:
    """Left, top and side of every window, as shares of a square image."""
    return [
        (x, y, side)
        for side, count in WINDOWS
        for x in np.linspace(0, 1 - side, count)
        for y in np.linspace(0, 1 - side, count)
    ]


class Evaluator:
    """Says whether a concept can be seen in a picture of one to four objects.

    Attributes:
        concepts: the names it knows: all of the library's, as of its training.
        threshold: log-odds in the best window from which on a concept counts as present; calibrated on scenes with
            known truth (``training/calibrate_evaluator.py``).
        coloured_threshold: the same for things that a colour is named for.
    """

    def __init__(
        self, weights: Path = WEIGHTS, calibration: Path = CALIBRATION, library: Library | None = None
    ) -> None:
        from safetensors import safe_open

        with safe_open(str(weights), "pt") as file:
            self.concepts: list[str] = json.loads(file.metadata()["concepts"])
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        self._where = {name: i for i, name in enumerate(self.concepts)}
        self._network = build_network(len(self.concepts))
        self._network.load_state_dict(tensors)
        self._network.eval()
        self._library = library or bundled_library()
        self._palettes: dict[str, list[Floats]] = {}
        self.threshold = self.coloured_threshold = 0.0
        if calibration.exists():
            kept = json.loads(read_regular_text(calibration))
            self.threshold = float(kept["threshold"])
            self.coloured_threshold = float(kept.get("coloured_threshold", self.threshold))

    def evidence(self, image: Image.Image) -> NDArray[np.float32]:
        """Return (concepts,) log-odds of each concept in the window that shows it best."""
        import torch
        from PIL import Image as pil

        rgb = image.convert("RGB")
        side = min(rgb.size)
        crops = [
            np.asarray(
                rgb.resize(
                    (SIZE, SIZE), pil.Resampling.BILINEAR, box=(x * side, y * side, (x + s) * side, (y + s) * side)
                )
            )
            for x, y, s in windows()
        ]
        x = torch.from_numpy(np.stack(crops).astype(np.float32) / 127.5 - 1).permute(0, 3, 1, 2)
        with torch.inference_mode():
            log_p = self._network(x.contiguous()).log_softmax(1).double()
        log_odds = log_p - torch.log1p(-log_p.exp().clamp(max=1 - 1e-9))
        best: NDArray[np.float32] = log_odds.max(0).values.float().numpy()
        return best

    def coloured_evidence(self, image: Image.Image, concept: str, colour: str) -> float:
        """Return the log-odds of a concept in a colour that need not be its own, in the window that shows it best.

        Args:
            image: of one to four objects.
            concept: one of ``concepts`` and of the library.
            colour: one of ``imagerag.prompt_grammar.vocabulary.COLOURS``.
        """
        if concept not in self._palettes:
            self._palettes[concept] = palettes(self._library, concept)
        shown = painted_back(image, colour, self._palettes[concept]) or [image]
        return max(float(self.evidence(one)[self._where[concept]]) for one in shown)

    def present(self, image: Image.Image, concept: str, colour: str = "") -> bool:
        """Tell whether a concept can be seen.

        Args:
            image: square, about 128 pixels.
            concept: KeyError if it is none of ``concepts``.
            colour: that a prompt names for it; "" for none.
        """
        if colour:
            return self.coloured_evidence(image, concept, colour) >= self.coloured_threshold
        return bool(self.evidence(image)[self._where[concept]] >= self.threshold)
