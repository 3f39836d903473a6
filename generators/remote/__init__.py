"""Generators behind an address: OpenAI's images API, and ComfyUI. Importing this package is cheap."""
