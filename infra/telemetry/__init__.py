"""Logs that an operator can read and a customer need not fear."""
