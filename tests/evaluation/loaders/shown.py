"""What a suite asks for, and which pictures may be looked up."""

from pathlib import Path

from imagerag.evaluation.loaders.registry import retrieval_images
from imagerag.evaluation.records import Suite


def asked(suite: Suite) -> list[str]:
    return [prompt.text for prompt in suite.prompts]


def keys(name: str, data: Path) -> list[tuple[str, str]]:
    return [(image.key, image.path.name) for image in retrieval_images(name, data)]
