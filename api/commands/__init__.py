"""The sub-commands of ``csagent``, one a module."""
