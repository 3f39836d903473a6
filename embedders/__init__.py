"""CLIP models: images and texts into one space."""
