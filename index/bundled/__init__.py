"""The bundled library's Chroma index: made once for each data directory, and stamped."""
