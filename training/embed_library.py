"""Write assets/library_embeddings.safetensors: the library's pictures and names as the embedded CLIP sees them.

    python -m training.embed_library

So the first run need not embed thousands of pictures. The file is stamped with the model's id; after new weights or a
new library it no longer counts, and this script has to run again.
"""

from __future__ import annotations

import sys

import numpy as np
from safetensors.numpy import save_file

from imagerag.assets import asset
from imagerag.assets.library import Library
from imagerag.embedders.clip import load_embedder


def main() -> None:
    path = asset("library.parquet").with_name("library_embeddings.safetensors")
    path.unlink(missing_ok=True)  # or the names would be read from it
    library, embedder = Library(), load_embedder("embedded")
    images = embedder.embed_images([library.image(i) for i in range(len(library))])
    names = embedder.embed_texts([concept.name for concept in library.concepts])
    digests = np.stack([np.frombuffer(bytes.fromhex(entry.sha256), np.uint8) for entry in library.entries])
    # half precision moves a cosine by less than 0.001, and halves the file; the names are few and kept exact
    save_file(
        {"images": images.astype(np.float16), "names": names.astype(np.float32), "sha256": digests},
        path,
        metadata={"model_id": embedder.model_id},
    )
    print(f"{len(images)} pictures and {len(names)} names embedded by {embedder.model_id}", file=sys.stderr)


if __name__ == "__main__":
    main()
