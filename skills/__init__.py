"""What the agent can do, one folder a skill, and the vocabulary of the whole system.

``turn`` names the things that everybody talks about, ``ports`` what a skill needs from outside,
``errors`` what can go wrong. A skill imports these, never another skill, and does no I/O of its own.
"""
