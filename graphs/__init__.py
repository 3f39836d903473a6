"""The LangGraph state machines: the agent's loop and the paper's one-pass pipeline."""
