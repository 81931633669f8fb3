"""HTML pages: the title and the main content as Markdown, nothing of the frame around it.

Scripts, styles, navigation and whatever the page itself hides are dropped: a reader of the page would not see them,
so the agent must not quote them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from channels.visibility import Paint, is_hidden, paint
from infra.knowledge.origin import Found, Origin
from skills.errors import KnowledgeFileError

_DROPPED = {"script", "style", "noscript", "template", "nav", "footer", "aside", "form", "svg", "iframe", "button",
            "select", "object", "canvas", "dialog"}  # fmt: skip
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_BLOCKS = {"p", "div", "section", "article", "main", "ul", "ol", "dl", "dt", "dd", "table", "blockquote", "pre",
           "figure", "header", "body", "details", "summary", *_HEADINGS}  # fmt: skip
_IN_CELLS = {"p", "div", "section"}
_DEEPEST = 6
"""Elements within a cell; what lies deeper is a page that is laid out by a table."""
_HEADING_LINE = re.compile(r"^(#{1,6}) (.+)$", re.MULTILINE)


class _Page(HTMLParser):
    """Collects the text of the page, and that of ``main`` (or else ``article``) apart."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.title = ""
        self.url: str | None = None
        self.language: str | None = None
        self.audience: str | None = None
        self.parts: dict[str, list[str]] = {"main": [], "article": [], "page": []}
        self._open: list[str] = []
        self._paints: list[Paint] = []
        """The colours inside each element of ``_open``."""
        self._row: list[str] = []
        """The kinds of the cells in the row that is open."""
        self._dropped_from: int | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self._describe(tag, values)
        if tag in _VOID:
            if tag in {"br", "hr"}:
                self._write(" " if self._in_cell() else "\n")
            return
        self._open.append(tag)
        self._paints.append(paint(values, self._paints[-1] if self._paints else Paint()))
        if self._dropped_from is None and (tag in _DROPPED or is_hidden(values)):
            self._dropped_from = len(self._open)
        if tag in _HEADINGS:
            self._write(f"\n\n{_HEADINGS[tag]} ")
        elif tag in _BLOCKS:
            self._write(self._gap(tag))
        elif tag == "li":
            self._write("\n- ")
        elif tag == "tr":
            self._row = []
            self._write("\n| ")
        elif tag in {"td", "th"}:
            if self._row:
                self._write(" | ")
            self._row.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _BLOCKS:
            self._write(self._gap(tag))
        if tag not in self._open:
            return
        if tag == "tr":
            self._write(" |")
            if set(self._row) == {"th"}:
                self._write(f"\n|{' --- |' * len(self._row)}")
            self._row = []
        while self._open:
            last = self._open.pop()
            self._paints.pop()
            if self._dropped_from is not None and len(self._open) < self._dropped_from:
                self._dropped_from = None
            if last == tag:
                return

    def handle_data(self, data: str) -> None:
        if "title" in self._open and "svg" not in self._open:
            self.title += data
        elif "head" not in self._open and (not self._paints or self._paints[-1].visible):
            self._write(re.sub(r"\s+", " ", data))

    def _in_cell(self) -> bool:
        return bool({"td", "th"} & set(self._open[-_DEEPEST:]))

    def _gap(self, tag: str) -> str:
        """What parts a block from the next: nothing but a space in a table's cell, so that a row stays a line."""
        return " " if tag in _IN_CELLS and self._in_cell() else "\n\n"

    def _write(self, text: str) -> None:
        if self._dropped_from is not None:
            return
        self.parts["page"].append(text)
        for region in ("main", "article"):
            if region in self._open:
                self.parts[region].append(text)

    def _describe(self, tag: str, values: dict[str, str]) -> None:
        if tag == "html":
            self.language = values.get("lang")
        elif tag == "link" and values.get("rel") == "canonical" and values.get("href", "").startswith("http"):
            self.url = values["href"]
        elif tag == "meta" and values.get("name") == "audience":
            self.audience = values.get("content")


def read_webpage(text: str, origin: Origin) -> Iterator[Found]:
    """The one article of an HTML file; its title is ``<title>``, the first heading or the file's name."""
    page = _Page()
    page.feed(text)
    page.close()
    body = next((tidied for part in page.parts.values() if (tidied := _tidied(part))), "")
    heading = _HEADING_LINE.search(body)
    title = page.title.strip() or (heading[2] if heading else "")
    if heading and heading[1] == "#" and not body[: heading.start()].strip():
        body = body[heading.end() :]
    if not body.strip():
        raise origin.problem(
            "there is no text in the page", hint="what a script fills in, or the page hides, is not read"
        )
    try:
        yield origin.article(
            title=title or origin.name, text=body, url=page.url, language=page.language, audience=page.audience
        )
    except KnowledgeFileError as error:
        raise origin.problem(error) from None


def _tidied(parts: list[str]) -> str:
    lines = [" ".join(line.split()) for line in "".join(parts).split("\n")]
    kept = (line for line in lines if not re.fullmatch(r"#{1,6}|-|[| ]+", line))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()
