"""Pictures of the library as a person's own files, in every kind of source."""

import io
import json
import tarfile
from pathlib import Path

from PIL import Image

from imagerag.assets.library import Library
from imagerag.index.user.store import UserPictures


def listed(folder: Path, rows: list[dict[str, str]]) -> str:
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return f"jsonl:{folder}/list.jsonl"


def titles(own: UserPictures, words: str = "an owl", k: int = 9) -> set[str]:
    return {hit.title for hit in own.search([words], k)[0]}


def save_picture(folder: Path, name: str, concept: str, which: int = 0) -> Path:
    """Save a library picture as somebody's own file."""
    library = Library()
    folder.mkdir(parents=True, exist_ok=True)
    picture = library.image(library.by_concept[concept][which])
    page = Image.new("RGB", picture.size, "white")
    page.paste(picture, mask=picture.getchannel("A"))
    page.save(folder / name)
    return folder / name


CONCEPTS = ("owl", "lobster", "cat")


def pictures(folder: Path) -> dict[str, bytes]:
    return {concept: save_picture(folder, f"{concept}.png", concept).read_bytes() for concept in CONCEPTS}


def write_tar(file: Path, members: dict[str, bytes]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file, "w") as archive:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))


def found(own: UserPictures, text: str) -> tuple[str, str, str]:
    hit = own.search([text], 1)[0][0]
    assert own.image(hit.sha256).size == (128, 128)
    return hit.title, hit.source, hit.licence
