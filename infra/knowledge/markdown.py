"""Markdown with a front matter, and plain text.

The front matter is the lines ``key: value`` between two lines ``---`` at the very top. Read are ``title``, ``language``
(or ``lang``), ``audience``, ``url``, ``effective`` and ``expires``; other keys, and lists below them, are left alone,
so that files written for a site generator can be taken as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from infra.knowledge.origin import Found, Origin
from skills.errors import KnowledgeFileError

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_FIELD = re.compile(r"([A-Za-z][\w-]*)\s*:(?:\s+(.*))?$")
_FIRST_HEADING = re.compile(r"\s*#[ \t]+(.+?)[ \t#]*(?:\n|$)")
_LONGEST_TITLE = 120
"""Characters. A longer first line of a text file is a paragraph, not a title."""


def read_markdown(text: str, origin: Origin) -> Iterator[Found]:
    """The one article of a Markdown file; its title is the front matter's, the first heading's or the file's name."""
    fields, body = _front_matter(text, origin)
    body = _COMMENT.sub("", body)
    title = fields.get("title", "")
    if heading := _FIRST_HEADING.match(body):
        title = title or heading[1]
        body = body[heading.end() :]
    try:
        yield origin.article(
            title=title or origin.name,
            text=body,
            url=fields.get("url"),
            language=fields.get("language") or fields.get("lang"),
            audience=fields.get("audience"),
            effective=fields.get("effective"),
            expires=fields.get("expires"),
        )
    except KnowledgeFileError as error:
        raise origin.problem(error) from None


def read_text(text: str, origin: Origin) -> Iterator[Found]:
    """The one article of a text file; a short first line with a blank line below it is the title."""
    first, _, rest = text.strip().partition("\n")
    titled = len(first) <= _LONGEST_TITLE and rest.startswith("\n") and rest.strip()
    try:
        yield origin.article(title=first if titled else origin.name, text=rest if titled else text)
    except KnowledgeFileError as error:
        raise origin.problem(error) from None


def _front_matter(text: str, origin: Origin) -> tuple[dict[str, str], str]:
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        return {}, text
    fields: dict[str, str] = {}
    for number, line in enumerate(lines[1:], start=2):
        if line.rstrip() in {"---", "..."}:
            return fields, "\n".join(lines[number:])
        if not line.strip() or line.startswith(("#", " ", "\t", "-")):
            continue
        field = _FIELD.match(line.rstrip())
        if field is None:
            raise origin.problem(
                "the front matter has a line that is not 'key: value'",
                line=number,
                hint="write it as 'title: …', or close the front matter with ---",
            )
        fields[field[1].lower()] = _unquoted(field[2] or "")
    raise origin.problem("the front matter is not closed", line=1, hint="put a line --- below it")


def _unquoted(value: str) -> str:
    value = value.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return re.sub(r"\s+#.*$", "", value)
