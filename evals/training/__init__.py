"""Fits the numbers that skills keep as constants. Nothing here runs with the product."""
