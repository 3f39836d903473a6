"""Suites that come with the product, as data: one prompt a line."""
