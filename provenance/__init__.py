"""How a picture came about, told by its file: signed, read, verified, and whom to thank for what it was made of."""
