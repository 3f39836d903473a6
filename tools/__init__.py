"""The five tools a model can call: generate, inspect, propose captions, search, regenerate with references."""
