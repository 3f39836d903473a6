"""OpenAI's responses: the same loop, queue and conversations as behind chat completions."""
