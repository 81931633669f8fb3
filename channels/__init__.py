"""How messages come in and go out, one folder a channel with the same file names in each."""
