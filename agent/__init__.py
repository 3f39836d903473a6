"""Who decides and who judges: the rule-based policy, the critic, the captioner, and the table of model providers."""
