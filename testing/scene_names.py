"""Names that the grammar's tests know."""

KNOWN = """
    lobster, kimono, owl, cat, dog, cup of tea, house with garden, red apple, woman in lotus position, tree, glasses,
    teacup without handle, house, scissors, bus, mouse, horse, hat, sun, table
"""
NAMES = frozenset(name.strip() for name in KNOWN.split(","))
