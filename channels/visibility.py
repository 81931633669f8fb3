"""What of an HTML mail or page a reader can't see: hidden elements, letters of no size, ink in the paper's colour.

Newsletters hide a first line for the list of mails that way, and attackers hide orders to a model. Only what stands in
an element itself counts: style sheets are not read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_NOUGHT = r"(?:0*\.)?0+[a-z%]*"
_FAR_OUT = r"-(?:[5-9]\d\d|\d{4,})(?:\.\d+)?[a-z%]*"
_HIDING = {
    "display": "none",
    "visibility": "hidden|collapse",
    "mso-hide": "all",
    "opacity": r"(?:0*\.)?0\d*%?",
    "font-size": rf"{_NOUGHT}|1|(?:[01](?:\.\d+)?|\.\d+)(?:px|pt|%)|0?\.0\d*r?em",
    "max-height": _NOUGHT,
    **dict.fromkeys(("left", "right", "top", "bottom", "text-indent", "margin-left", "margin-top"), _FAR_OUT),
}
"""Values that hide an element, by property; in lower case and without blanks."""
_WHITE = "#ffffff"
_NAMED_COLOURS = {"white": _WHITE, "black": "#000000", "snow": "#fffafa", "ivory": "#fffff0"}
_NO_COLOUR = frozenset(("transparent", "inherit", "initial", "none", "unset", "currentcolor"))
_RGB = re.compile(r"rgba?\((\d{1,3}),(\d{1,3}),(\d{1,3})(?:,[\d.]+)?\)")


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours in one notation."""

    ink: str = "#000000"
    paper: str = _WHITE

    @property
    def visible(self) -> bool:
        """Whether letters stand out from what they are written on."""
        return self.ink != self.paper


def is_hidden(attributes: Mapping[str, str]) -> bool:
    """Whether an element and all inside is not shown."""
    if "hidden" in attributes or attributes.get("aria-hidden", "").strip().lower() == "true":
        return True
    declared = _declarations(attributes.get("style", ""))
    if any(name in _HIDING and re.fullmatch(_HIDING[name], value) for name, value in declared):
        return True
    flat = any(name in {"width", "height"} and re.fullmatch(_NOUGHT, value) for name, value in declared)
    return flat and ("overflow", "hidden") in declared


def paint(attributes: Mapping[str, str], around: Paint) -> Paint:
    """The colours inside an element, by its own attributes and those around it."""
    declared = {
        "color": attributes.get("color") or attributes.get("text", ""),  # the latter is of ``body``
        "background-color": attributes.get("bgcolor", ""),
        **dict(_declarations(attributes.get("style", ""))),
    }
    papers = (_colour(declared.get(name, "")) for name in ("background", "background-image", "background-color"))
    return Paint(_colour(declared["color"]) or around.ink, next(filter(None, papers), around.paper))


def _declarations(style: str) -> list[tuple[str, str]]:
    """Properties and their values, in lower case, without blanks and comments."""
    plain = "".join(_COMMENT.sub("", style).lower().split())
    parts = (entry.partition(":") for entry in plain.split(";"))
    return [(name, value.partition("!")[0]) for name, _, value in parts]


def _colour(text: str) -> str:
    """A colour in one notation; empty for none; a picture or a gradient is a colour of its own."""
    name = text.strip().lower().replace(" ", "")
    if not name or name in _NO_COLOUR:
        return ""
    short = re.fullmatch(r"#([0-9a-f])([0-9a-f])([0-9a-f])", name)
    if short:
        return "#" + "".join(letter * 2 for letter in short.groups())
    numbers = _RGB.fullmatch(name)
    if numbers:
        return "#" + "".join(f"{min(int(number), 255):02x}" for number in numbers.group(1, 2, 3))
    return _NAMED_COLOURS.get(name, name)
