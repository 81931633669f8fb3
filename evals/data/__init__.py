<<<<<<< HEAD
"""Readers of the public data, one module a set. Nothing here downloads."""
=======
"""Readers of the public data sets, one module each. They read from the folder that they are given."""
>>>>>>> guards
