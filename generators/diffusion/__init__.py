"""Local models of diffusers: presets as data, families by how references go in, memory modes.

Importing this package is cheap; torch and diffusers come with ``drawing``.
"""
