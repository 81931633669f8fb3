"""Mutation testing: the modules that must not be wrong are changed on purpose, and a test has to notice."""
