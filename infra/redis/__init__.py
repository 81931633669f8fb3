"""Redis: hints and caches. Losing it loses nothing. Nothing else in the project imports redis."""
