"""Chat models of any provider, server or local checkpoint: asking them, what they cost, recording them."""
