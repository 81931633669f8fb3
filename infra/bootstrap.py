"""Says in one line what a machine lacks before anything is installed; runs on any Python 3."""

import sys

if sys.version_info < (3, 11):
    sys.exit(
        "csagent needs Python 3.11 or newer, this is %d.%d: install it, or name one: make run PYTHON=python3.12"
        % sys.version_info[:2]
    )
try:
    import ensurepip  # noqa: F401 - Debian splits it off, and then `python -m venv` fails half-way
    import venv  # noqa: F401
except ImportError:
    sys.exit("this Python has no venv module: install it (Debian and Ubuntu: apt install python3-venv) and try again")
