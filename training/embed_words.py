"""Write assets/library_words.safetensors: all words of each concept as the embedded CLIP sees them.

    python -m training.embed_words

The look-up floor compares them with a query; without the file the first search would embed thousands of words.
"""

from __future__ import annotations

import sys

import numpy as np
from safetensors.numpy import save_file

from imagerag.assets import asset
from imagerag.assets.library import Library
from imagerag.embedders.clip import load_embedder
from imagerag.index.word_vectors import words_embedded


def main() -> None:
    library, embedder = Library(), load_embedder("embedded")
    path = asset("library.parquet").with_name("library_words.safetensors")
    # half precision moves a cosine by less than 0.001, and halves the file
    vectors = {"words": words_embedded(embedder, library.said).astype(np.float16)}
    save_file(vectors, path, metadata={"model_id": embedder.model_id, "said": library.said_digest})
    path.chmod(0o644)
    print(f"the words of {len(library.said)} concepts embedded by {embedder.model_id}", file=sys.stderr)


if __name__ == "__main__":
    main()
