"""How telephone numbers are written: for those who tell theirs, and for those who must not be sent to a wrong one."""

from __future__ import annotations

import re

PHONE = re.compile(r"(?<![\w+#.,/-])(?:\+|\()?\d(?:[\s()./-]{0,2}\d){6,16}(?!\w)(?![.,/-]\d)")
"""Seven to seventeen digits with what people put between them; whether they are a date is the caller's to tell."""
