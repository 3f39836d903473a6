"""A person's own pictures, from a folder to millions: sources, shards, Chroma's copy, and searching it."""

from imagerag.index.combined import FLOOR, TogetherIndex
from imagerag.index.user.ensemble import SeveralModels
from imagerag.index.user.filters import parse_where
from imagerag.index.user.maintenance import own_status, rebuild_own, verify_own
from imagerag.index.user.sources.registry import Reading
from imagerag.index.user.store import OwnPictures

__all__ = [
    "FLOOR",
    "OwnPictures",
    "Reading",
    "SeveralModels",
    "TogetherIndex",
    "own_status",
    "parse_where",
    "rebuild_own",
    "verify_own",
]
