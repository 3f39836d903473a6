"""What one run will take, by estimate: seconds from the device's measured speed, money from prices; nothing is drawn.

The estimate is of a run that looks things up once: it draws twice, and a chat model is asked ``QUESTIONS`` times. What
the limits allow at most is told beside it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from imagerag.chat_models.pricing import load_pricing
from imagerag.doctor.finding import Finding, of_error, ok, warning
from imagerag.doctor.keys import models_of_providers
from imagerag.doctor.needs import needs_of, preset_of
from imagerag.errors import UserError
from imagerag.generators.diffusion.lora_recipes import asked_with
from imagerag.generators.diffusion.operations import operations
from imagerag.generators.diffusion.presets import Preset
from imagerag.generators.registry import is_images_api, most_output_tokens
from imagerag.profiles.ranking import LOCAL
from imagerag.profiles.resolve import RunSettings

DRAWINGS = 2
"""Of a run that looks things up once."""
QUESTIONS = 8
"""To the chat models of such a run, by its graph: five decisions (draw, look up, draw, finish and one to spare), one
for the captions that are looked up, two verdicts."""
VERDICTS = 2
"""Of these questions, those to the critic."""
ASKED, ANSWERED = 4000, 400
"""Tokens of a question with its tools and an image, and of an answer: assumed, not measured."""
SECONDS_ASKED = 4.0
"""For one answer of a provider's model that was not measured; assumed."""
SECONDS_PATCHWORK = 1.2
"""For one drawing of the embedded generator and the steps around it: docs/evaluating.md, a warm run of two in 2.4 s."""
SECONDS_IMAGE = 40.0
"""For one image of an images API; assumed: the fastest take ten, the slowest two minutes."""
UTILISATION = 0.4
"""Of the speed of a large matrix product that denoisers reach, and local chat models while they read; assumed."""


@dataclass(frozen=True)
class Speed:
    """What the device does, measured within a fraction of a second.

    Attributes:
        flops: floating-point operations per second of a large matrix product in the models' format.
        device: its name.
        bytes_each: bytes per parameter in that format.
        bandwidth: bytes per second that are read.
    """

    flops: float
    device: str
    bytes_each: int
    bandwidth: float


@dataclass(frozen=True)
class Drawn:
    """How long one batch of drawings takes.

    Attributes:
        seconds: by estimate; ``None`` where there is none.
        how: it was come by, or why there is none; empty where that follows from the device's speed, told apart.
    """

    seconds: float | None
    how: str = ""


def check_estimate(
    settings: RunSettings, answered_after: float | None, past_seconds: Sequence[float] = ()
) -> list[Finding]:
    """Return the expected seconds and cost of one run.

    Args:
        settings: of the run.
        answered_after: seconds that the chat model took to answer, where it was asked.
        past_seconds: that the generator's server took for its last runs, where it told.
    """
    try:
        return [_time(settings, answered_after, past_seconds), _cost(settings)]
    except UserError as error:
        return [of_error("estimate", error)]


def _time(settings: RunSettings, answered_after: float | None, past_seconds: Sequence[float]) -> Finding:
    drawings = min(DRAWINGS, settings.max_generations)
    asked = _questions(settings)
    here = {name: _parameters(settings, name) for name in asked if name.startswith(LOCAL)}
    preset = preset_of(settings.generator)
    speed = measured_speed(settings) if preset is not None or any(here.values()) else None
    drawn = _drawn(settings, preset, speed, past_seconds)
    parts: list[str] = []
    unknown: list[str] = []
    total = 0.0
    how = f" ({drawn.how})" if drawn.how else ""
    if drawn.seconds is not None:
        total += drawn.seconds * drawings
        parts.append(f"{drawings} drawings of {_seconds(drawn.seconds)}{how}")
    else:
        unknown.append(f"none of {drawings} drawings can be had: {drawn.how}")
    for name, questions in asked.items():
        if name not in here:
            each = answered_after or SECONDS_ASKED
            told = " (measured now)" if answered_after else " (assumed)"
        elif (weights := here[name]) and speed is not None:
            reading = 2 * weights * ASKED / (speed.flops * UTILISATION)
            each, told = reading + ANSWERED * weights * speed.bytes_each / speed.bandwidth, ""
        else:
            unknown.append(f"none of {questions} answers of {name!r} can be had: how large it is isn't known yet")
            continue
        total += each * questions
        parts.append(f"{questions} answers of {_seconds(each)}{told}")
    where = f"; {speed.device} does {speed.flops / 1e12:.2f} TFLOP/s" if speed is not None else ""
    if unknown:
        known = f"{_seconds(total)} for the rest ({', '.join(parts)}{where}); " if parts else ""
        text = f"estimate: {known}{'; '.join(unknown)}"
    else:
        text = f"estimate: about {_seconds(total)} with the models loaded ({', '.join(parts)}{where})"
    if total > settings.max_seconds:
        mend = f"--max-seconds {round(2 * total)}, or other parts: imagerag profiles"
        return warning("time", f"{text}, more than max_seconds {settings.max_seconds:g}", mend)
    return ok("time", f"{text}; at most max_seconds {settings.max_seconds:g}")


def _questions(settings: RunSettings) -> dict[str, int]:
    """Return how often each chat model of a run is asked: rules ask nobody, and a critic of its own gives verdicts."""
    asked = [name for name in (settings.vlm, settings.critic) if _is_asked(settings, name)]
    if len(set(asked)) == 2:
        return {settings.vlm: QUESTIONS - VERDICTS, settings.critic: VERDICTS}
    if asked == [settings.critic]:
        return {settings.critic: VERDICTS}
    return {name: QUESTIONS if len(asked) == 2 else QUESTIONS - VERDICTS for name in asked}


def _is_asked(settings: RunSettings, name: str) -> bool:
    return name.startswith(LOCAL) or name in models_of_providers(settings)


def _drawn(settings: RunSettings, preset: Preset | None, speed: Speed | None, past_seconds: Sequence[float]) -> Drawn:
    """Return how long one batch of drawings takes, and how that is known."""
    name = settings.generator
    if name == "patchwork":
        return Drawn(SECONDS_PATCHWORK)
    if is_images_api(name):
        return Drawn(SECONDS_IMAGE * settings.n, "assumed")
    if name.startswith("comfyui:"):
        if past_seconds:
            told = f"half of the server's last {len(past_seconds)} runs took no longer"
            return Drawn(median(past_seconds) * settings.n, told)
        return Drawn(None, "the ComfyUI server tells of no run before, and what its workflow computes isn't known")
    if preset is None:
        return Drawn(None, f"{name!r} doesn't tell how long it takes")
    preset, _ = asked_with(preset, preset.pipeline, settings.lora)
    if speed is None or (needed := operations(preset)) is None:
        return Drawn(None, f"nothing of {preset.model!r} is here and the hub wasn't reached, so its size isn't known")
    how = "" if preset.recipe or not name.startswith("diffusers:") or preset.source else f"{preset.steps} steps assumed"
    return Drawn(needed * settings.n / (speed.flops * UTILISATION), how)


def measured_speed(settings: RunSettings) -> Speed:
    """Measure the device by a matrix product and a sum over many bytes.

    Raises:
        UserError: there is no such device.
    """
    import torch

    from imagerag.devices import choose_device, choose_dtype

    device = choose_device(settings.device_settings)
    dtype = choose_dtype(settings.device_settings, device)
    side = 512 if device.type == "cpu" else 4096
    matrix = torch.ones(side, side, device=device, dtype=dtype)
    many = torch.ones(side * side * 8, device=device, dtype=dtype)

    def took(compute: object) -> float:
        best = float("inf")
        for _ in range(4):
            began = time.perf_counter()
            compute()  # type: ignore[operator]
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            elif device.type == "mps":
                torch.mps.synchronize()
            best = min(best, time.perf_counter() - began)
        return max(best, 1e-6)

    with torch.inference_mode():
        flops = 2 * side**3 / took(lambda: matrix @ matrix)
        bandwidth = many.nbytes / took(many.sum)
    return Speed(flops, str(device), dtype.itemsize, bandwidth)


def _parameters(settings: RunSettings, model: str) -> float | None:
    """Return a local chat model's parameters, where the profile tells them, or its files here."""
    sizes = [need.parameters for need in needs_of(settings) if need.part.endswith(repr(model)) and need.parameters]
    return 1e9 * sizes[0] if sizes else None


def _cost(settings: RunSettings) -> Finding:
    models = models_of_providers(settings)
    images = is_images_api(settings.generator)
    if not models and not images:
        return ok("cost", _free(settings.generator))
    drawings = min(DRAWINGS, settings.max_generations) * settings.n
    cost, unknown, parts = 0.0, [], []
    for name in models:
        questions = _questions(settings)[name]
        each = load_pricing(name).cost(ASKED, ANSWERED)
        if each is None:
            unknown.append(name)
        else:
            cost += each * questions
            parts.append(f"{questions} questions to {name!r} {_dollars(each * questions)}")
    if images:
        pricing, tokens = load_pricing(settings.generator), most_output_tokens(settings.generator)
        each = pricing.cost(0, tokens) if tokens else pricing.cost_of_image(references=1)
        if each is None:
            unknown.append(settings.generator)
        else:
            cost += each * drawings
            quality = " of the best quality" if tokens else ""
            parts.append(f"{drawings} images{quality} {_dollars(each * drawings)}")
    if unknown:
        text = f"estimate: not known, since there is no price of {', '.join(map(repr, unknown))}"
        by_image = images and unknown[0] == settings.generator and not most_output_tokens(settings.generator)
        line = f'"{unknown[0]}" = {{ {"image = 0.0" if by_image else "input = 0.0, output = 0.0"} }}'
        return warning("cost", text, f"name a file in IMAGERAG_PRICES with the line: {line}")
    text = f"estimate: about {_dollars(cost)} ({', '.join(parts)})"
    if settings.max_money is not None and cost > settings.max_money:
        return warning("cost", f"{text}, more than max_money {settings.max_money:g}", f"--max-money {2 * cost:.2f}")
    limit = "no max_money is set" if settings.max_money is None else f"at most max_money {settings.max_money:g}"
    return ok("cost", f"{text}; {limit}")


def _free(generator: str) -> str:
    """Return why a run costs nothing, where neither its generator nor its models are a provider's."""
    if generator.startswith("comfyui:"):
        return "none: a ComfyUI server charges nothing by itself"
    if generator == "patchwork" or preset_of(generator) is not None:
        return "none: all models run here"
    return f"none is known of: whether {generator!r} charges is for its package to say"


def _seconds(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def _dollars(money: float) -> str:
    return f"${money:.2f}" if money >= 0.1 else f"${money:.4f}"
