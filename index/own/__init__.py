"""A person's own pictures, from a folder to millions: sources, shards, Chroma's copy, and searching it."""

from imagerag.index.own.filters import parse_where
from imagerag.index.own.pictures import OwnPictures
from imagerag.index.own.several import SeveralModels
from imagerag.index.own.sources import Reading
from imagerag.index.own.tending import own_status, rebuild_own, verify_own
from imagerag.index.own.together import FLOOR, TogetherIndex

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
