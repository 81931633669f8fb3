"""Thimblewick, a company of our own invention: its help articles, and customers who write to it.

``articles/`` is a knowledge base to start with, ``messages.toml`` what customers write and what ought to come of it,
and ``script`` reads the latter.
"""
