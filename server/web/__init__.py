"""The chat page and the HTTP API behind it."""
