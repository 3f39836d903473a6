"""Reference indexes: the bundled library, the user's own pictures, and both searched as one."""
