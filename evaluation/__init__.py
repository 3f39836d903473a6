"""Whether the loop helps: prompts of known truth, arms that draw them on the same seeds, and figures with intervals."""
