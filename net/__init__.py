"""Fetching from addresses that other people name."""
