"""From the HTML of a mail to clean text: what a reader sees, and nothing that only a machine sees."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser, LexborNode

from channels.gmail.text import listed, one_line
from channels.storable import storable
from channels.visibility import Paint, is_hidden, paint

MAX_NODES = 50_000
"""Nodes of one HTML text that are read. The rest is left out, with a note."""
MAX_DEPTH = 500
MAX_LINK = 2_000
MAX_OPEN = 5_000
"""Elements inside each other that the parser is given, whose time grows with their square."""
_LOOKED_AT = 100
_QUOTE_ENDS = re.compile(r"\n(?:> ?)+\n(?!>)")
_GAPS = re.compile(r"\n(?:(?:> ?)*\n){2,}")
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^<>]*>")
_CLOSED_BY_OTHERS = listed("br img hr input meta link col wbr area source p li td th tr tbody thead tfoot dt dd option")
TOO_LONG = "[The rest of this mail is too large to be shown as text.]"

_SKIPPED = listed("script style head title template noscript iframe object embed svg math audio video canvas select")
_BLOCKS = listed(
    "address article aside body center dd details div dl dt fieldset figcaption figure footer form header hr "
    "html li main nav section summary table tbody tfoot thead tr"
)
_PARAGRAPHS = listed("p h1 h2 h3 h4 h5 h6 ul ol blockquote pre")
_CELLS = frozenset(("td", "th"))
_QUOTE_CLASSES = listed(
    "gmail_quote gmail_quote_container yahoo_quoted protonmail_quote moz-cite-prefix zmail_extra tutanota_quote"
)
_SIGNATURE_CLASSES = frozenset(("gmail_signature", "moz-signature", "protonmail_signature_block-user"))
_SIGNATURE_IDS = frozenset(("signature", "ms-outlook-mobile-signature"))
_QUOTE_FOLLOWS = frozenset(("divrplyfwdmsg", "appendonsend", "mail-editor-reference-message-container"))
"""What Outlook puts before the mail that is answered: it and everything after it is quoted."""
_FORWARDED = re.compile(r"-{5,} ?[^-\n]{5,60} ?-{5,}")


@dataclass(frozen=True, slots=True)
class _Place:
    """What an element inherits from those around it."""

    paint: Paint = field(default_factory=Paint)
    quoted: int = 0
    indent: int = 0
    verbatim: bool = False

    @property
    def prefix(self) -> str:
        """What a line here begins with."""
        return "> " * self.quoted + "  " * max(0, self.indent - 1)


@dataclass(slots=True)
class _Page:
    """The text as it grows."""

    pieces: list[str] = field(default_factory=list)
    line: str = ""
    blank: int = 2
    """Line feeds at the end; a text begins as if after an empty line."""
    place: _Place = field(default_factory=_Place)
    prefix: str = ""
    """Of the line that has begun: where its first word stood, whatever has ended since."""
    links: set[str] = field(default_factory=set)
    cell_ended: bool = False

    def write(self, text: str) -> None:
        if self.place.verbatim:
            first, *others = text.split("\n")
            self._add(first)
            for other in others:
                self.end_line()
                self._add(other)
            return
        words = " ".join(text.replace("\xa0", " ").split())
        if words:
            before = " " if text[:1].isspace() or text[:1] == "\xa0" else ""
            after = " " if text[-1:].isspace() or text[-1:] == "\xa0" else ""
            self._add(f"{before}{words}{after}")
        elif text and self.line and not self.line.endswith(" "):
            self.line += " "

    def _add(self, text: str) -> None:
        if self.cell_ended and self.line.strip() and text.strip():
            self.line = f"{self.line.rstrip()} | "
        if text.strip():
            self.cell_ended = False
        if not self.line:
            self.prefix = self.place.prefix
        doubled = (not self.line or self.line.endswith(" ")) and not self.place.verbatim
        self.line += text.lstrip(" ") if doubled else text
        self.blank = 0 if self.line else self.blank

    def end_line(self) -> None:
        self.pieces.append(f"{self.prefix}{self.line}".rstrip() if self.line.strip() else self.place.prefix.strip())
        self.line, self.cell_ended = "", False
        self.blank += 1

    def end(self, *, cut: bool) -> None:
        self.place = _Place()
        if cut:
            self.gap(2)
            self.write(TOO_LONG)
        self.gap(1)

    def gap(self, lines: int) -> None:
        """See to it that the next text starts on a new line, after ``lines - 1`` empty ones."""
        if self.line.strip():
            self.end_line()
            self.blank = 1
        else:
            self.line = ""
        while self.blank < lines:
            self.end_line()


def html_text(html: str, *, own_words: bool = False) -> str:
    """The text of an HTML mail. Quoted mails are lines with ``>``. Never raises for any HTML.

    Args:
        html: what the mail holds.
        own_words: leave out what mail programs mark as the mail that is answered, and as the signature.
    """
    if _deepest(html) > MAX_OPEN:
        return "\n".join(line.strip() for line in storable(_ANY_TAG.sub("", html)).splitlines()).strip()
    tree = LexborHTMLParser(storable(html))
    text = _text(tree, own_words=own_words, hide=True)
    # Whoever writes white on white has no hidden text but a dark screen.
    return text or _text(tree, own_words=own_words, hide=False)


def _deepest(html: str) -> int:
    """About how many elements are open at once, at most."""
    deepest = depth = 0
    for tag in _TAG.finditer(html):
        if tag[2].lower() not in _CLOSED_BY_OTHERS:
            depth = max(0, depth + (-1 if tag[1] else 1))
            deepest = max(deepest, depth)
    return deepest


def _text(tree: LexborHTMLParser, *, own_words: bool, hide: bool) -> str:
    page = _Page()
    stack: list[tuple[LexborNode | None, _Place, str]] = [(tree.root, _Place(), "")]
    count, cut = 0, False
    while stack:
        node, place, closing = stack.pop()
        page.place = place
        if node is None:
            _close(page, closing)
            continue
        count += 1
        if count > MAX_NODES:
            cut = True
            break
        if node.next is not None:
            stack.append((node.next, place, ""))
        if node.is_text_node:
            page.write((node.text_content or "") if place.paint.visible or not hide else "")
            continue
        tag = (node.tag or "").lower()
        attributes = {name.lower(): value or "" for name, value in node.attributes.items()}
        if own_words and _ends_own_words(attributes):
            del stack[len(stack) - (node.next is not None) :]  # what follows it is not read
        elif _is_read(node, tag, attributes, own_words=own_words, hide=hide):
            inner = _opened(page, node, tag, attributes, place)
            if len(stack) > 2 * MAX_DEPTH:
                cut = True
            elif node.child is not None:
                stack += [(None, place, _closing(tag, attributes, node)), (node.child, inner, "")]
    page.end(cut=cut)
    return _QUOTE_ENDS.sub("\n\n", _GAPS.sub("\n\n", "\n".join(page.pieces))).strip("\n").strip()


def _is_read(node: LexborNode, tag: str, attributes: dict[str, str], *, own_words: bool, hide: bool) -> bool:
    if tag in _SKIPPED or (hide and is_hidden(attributes)):
        return False
    return not (own_words and _is_not_own(node, tag, attributes))


def _names(attributes: dict[str, str]) -> frozenset[str]:
    return frozenset(attributes.get("class", "")[:500].split())


def _ends_own_words(attributes: dict[str, str]) -> bool:
    name = attributes.get("id", "").lower()
    return name.removeprefix("x_") in _QUOTE_FOLLOWS


def _is_not_own(node: LexborNode, tag: str, attributes: dict[str, str]) -> bool:
    names = _names(attributes)
    if names & _QUOTE_CLASSES or (tag == "blockquote" and attributes.get("type", "").lower() == "cite"):
        return not _FORWARDED.match(_beginning(node))
    return bool(names & _SIGNATURE_CLASSES) or attributes.get("id", "").lower() in _SIGNATURE_IDS


def _beginning(node: LexborNode) -> str:
    """The first words inside a node, in one line; looks at few nodes, however many there are."""
    words: list[str] = []
    stack = [node.child]
    for _ in range(_LOOKED_AT):
        inner = stack.pop() if stack else None
        if inner is None:
            if not stack:
                break
            continue
        if inner.is_text_node:
            words.append((inner.text_content or "")[:MAX_LINK])
        stack.extend((inner.next, inner.child))
    return one_line("".join(words), MAX_LINK)


def _opened(page: _Page, node: LexborNode, tag: str, attributes: dict[str, str], place: _Place) -> _Place:
    if tag == "br":
        page.end_line()
    elif tag in _PARAGRAPHS:
        page.gap(1 if tag in {"ul", "ol"} and place.indent else 2)
    elif tag in _BLOCKS:
        page.gap(1)
    if tag == "li":
        page.write(_bullet(node))
        page.line = f"{page.line.rstrip()} "
    elif tag == "img":
        page.write(_picture(attributes))
    elif tag == "hr":
        page.write("---")
        page.gap(1)
    cited = tag == "blockquote" and (
        attributes.get("type", "").lower() == "cite"
        or "border-left" in attributes.get("style", "").lower()
        or bool(_names(attributes) & _QUOTE_CLASSES)
    )
    return replace(
        place,
        paint=paint(attributes, place.paint),
        quoted=min(place.quoted + cited, 20),
        indent=min(place.indent + (tag in {"ul", "ol"}), 10),
        verbatim=place.verbatim or tag in {"pre", "textarea"},
    )


def _closing(tag: str, attributes: dict[str, str], node: LexborNode) -> str:
    if tag != "a":
        return tag
    link = "".join(storable(attributes.get("href", "")).split())[:MAX_LINK]
    scheme = link.partition(":")[0].lower()
    if scheme == "mailto":
        link = unquote(link.partition(":")[2].partition("?")[0])
    elif scheme not in {"http", "https"}:
        return tag
    shown = _beginning(node)
    bare = link.partition("://")[2].rstrip("/") or link
    return tag if not shown or bare.lower() in shown.lower() else f"a {link}"


def _close(page: _Page, closing: str) -> None:
    tag, _, link = closing.partition(" ")
    if link and link not in page.links:
        page.links.add(link)
        page.line = f"{page.line.rstrip()} ({link})" if page.line else f"({link})"
        page.blank = 0
    elif tag in _PARAGRAPHS:
        page.gap(1 if tag in {"ul", "ol"} and page.place.indent else 2)
    elif tag in _BLOCKS:
        page.gap(1)
    elif tag in _CELLS:
        page.cell_ended = True


def _bullet(node: LexborNode) -> str:
    parent = node.parent
    if parent is None or parent.tag != "ol":
        return "-"
    number, sibling = 1, node.prev
    while sibling is not None and number < 100:  # noqa: PLR2004 - a longer list is no list that anybody numbers
        number += sibling.tag == "li"
        sibling = sibling.prev
    return f"{number}."


def _picture(attributes: dict[str, str]) -> str:
    if attributes.get("width") in {"0", "1"} or attributes.get("height") in {"0", "1"}:
        return ""
    text = one_line(attributes.get("alt", ""), 200)
    if text:
        return f"[{text}]"
    return "[image]" if attributes.get("src", "").lower().startswith("cid:") else ""
