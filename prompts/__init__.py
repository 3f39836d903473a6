"""The prompts that models read, as Jinja templates; rendering refuses an undefined variable."""
