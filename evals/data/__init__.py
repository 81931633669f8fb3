"""Readers of public data sets, one module a set. Where the data come from and their licences: docs/quality.md."""
