"""Measures the whole system: suites, data sets, evaluators, statistics and reports.

Outermost of the layers: it may import every other package, and none of them imports it.
"""
