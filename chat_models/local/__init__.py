"""Vision-language models that run here, from a checkpoint of transformers. Importing this package is cheap."""
