"""The nodes of the state machines, a module each."""
