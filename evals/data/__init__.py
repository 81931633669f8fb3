"""Readers of public data, one module a data set. None of it is copied into the project."""
