"""Scripted servers, tiny models and odd files that tests and benchmarks share; not part of the installation."""
