"""Long runs under faults, on real processes. ``make chaos``."""
