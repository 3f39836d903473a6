"""Patchwork: the embedded generator. Importing this package is cheap; torch comes with the first drawing."""

from imagerag.generators.patchwork.drawing import PatchworkGenerator

__all__ = ["PatchworkGenerator"]
