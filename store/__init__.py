"""Where images lie: content-addressed, each PNG carrying its own manifest."""
