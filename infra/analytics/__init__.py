"""Figures: what they mean, how they are computed of rows, how sure they are, and how they are handed on.

Nothing here speaks to a server; ``infra.postgres.analytics`` brings the rows.
"""
