"""What of an HTML mail a reader can't see: hidden elements, letters of no size, ink in the paper's colour.

Newsletters hide a first line for the list of mails that way, and attackers hide orders to a model.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_LONGEST_STYLE = 2_000
_HIDDEN = re.compile(
    r"display:none|visibility:hidden|mso-hide:all|(?:^|;)font-size:[01](?:px|pt|em|%)?(?:;|!|$)|"
    r"(?:^|;)max-height:0(?:px)?(?:;|!|$)|(?:^|;)opacity:0(?:\.0+)?(?:;|!|$)|"
    r"(?:^|;)(?:width|height):0(?:px)?(?:;|!).*overflow:hidden"
)
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
    style = attributes.get("style", "")[:_LONGEST_STYLE].lower().replace(" ", "")
    return "hidden" in attributes or bool(style and _HIDDEN.search(style))


def paint(attributes: Mapping[str, str], around: Paint) -> Paint:
    """The colours inside an element, by its own attributes and those around it."""
    declared = {"color": attributes.get("color", ""), "background-color": attributes.get("bgcolor", "")}
    for entry in attributes.get("style", "")[:_LONGEST_STYLE].lower().split(";"):
        name, _, value = entry.partition(":")
        declared[name.strip()] = value.replace("!important", "").strip()
    shown = declared.get("background") or declared.get("background-image") or declared["background-color"]
    return Paint(_colour(declared["color"]) or around.ink, _colour(shown) or around.paper)


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
