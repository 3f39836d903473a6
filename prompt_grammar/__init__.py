"""What a prompt asks for: things, counts, colours, places and styles, read without a language model."""
