"""Measurements: the pipeline against the bare graph, side by side in one run. ``make bench``."""
