"""A person's own pictures, from a folder to millions: sources, shards, Chroma's copy, and searching it."""

from imagerag.index.own.pictures import OwnPictures, own_status
from imagerag.index.own.sources import Reading
from imagerag.index.own.together import TogetherIndex

__all__ = ["OwnPictures", "Reading", "TogetherIndex", "own_status"]
