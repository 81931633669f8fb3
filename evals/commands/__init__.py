"""The sub-commands of ``csagent`` that need the evaluation data."""
