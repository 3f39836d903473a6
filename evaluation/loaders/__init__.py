"""Suites of others, read from the files that a person has: one module per layout, one table of names."""
