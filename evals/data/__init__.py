"""Readers of public data, one module a data set. The data are never copied into the project."""
