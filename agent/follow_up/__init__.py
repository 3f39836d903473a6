"""What a follow-up request means, by rule: a change of the picture, a new picture, or talk that draws nothing."""
