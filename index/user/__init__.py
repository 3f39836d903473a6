"""A person's own pictures, from a folder to millions: sources, shards, Chroma's copy, and searching it."""

from imagerag.index.filters import parse_where
from imagerag.index.user.ensemble import ModelEnsemble
from imagerag.index.user.maintenance import rebuild_user_index, user_index_status, verify_user_index
from imagerag.index.user.sources.read_options import ReadOptions
from imagerag.index.user.store import UserPictures

__all__ = [
    "ModelEnsemble",
    "ReadOptions",
    "UserPictures",
    "parse_where",
    "rebuild_user_index",
    "user_index_status",
    "verify_user_index",
]
