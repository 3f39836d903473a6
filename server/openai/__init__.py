"""OpenAI-compatible HTTP: models, chat completions, images and files."""
