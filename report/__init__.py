"""A run as a document: JSON for programs, a self-contained page for people."""
