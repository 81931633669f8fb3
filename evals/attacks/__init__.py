"""Attacks on the agent: what they say, where they are planted, an assistant that obeys them, and what came of it."""
