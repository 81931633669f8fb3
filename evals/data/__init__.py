"""Readers of the public data sets, one module each. They read from the folder that they are given."""
