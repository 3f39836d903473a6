"""A generator and a collection format for imagerag, in a package of its own."""
