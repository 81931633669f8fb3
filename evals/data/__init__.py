"""Readers of the public data, one module a set. Nothing here downloads."""
