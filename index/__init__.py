"""The reference library and its Chroma index."""
