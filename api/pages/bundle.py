"""Makes one classic script of the chat's modules, so that one tag embeds it, and without any tool that builds.

What it does is little on purpose: the modules in the order of their imports, without their comments, their indentation,
the words ``import`` and ``export`` and functions that nobody calls, in one function. Names stay as they are, so the
source can be read beside the script that a browser shows; two modules that give the same name to different things are
refused.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

_IMPORT = re.compile(
    r'^import (?:(?P<names>\{[^}]*\}|\w+) from )?"(?P<file>[^"]+)"(?P<kind> with \{[^}]*\})?;\n', re.MULTILINE
)
_TOP = re.compile(r"^(?:async )?(?:function|const|let|class) (\w+)", re.MULTILINE)
_FUNCTION = re.compile(r"^(?:async )?function (\w+)\(.*?^\}\n", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*\*.*?\*/[ \t]*)\n", re.MULTILINE | re.DOTALL)
_TOKEN = re.compile(
    r'"(?:\\.|[^"\\])*"|`(?:\\.|[^`\\])*`|/(?![*/ ])(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n])+/[a-z]*|[\w$]+|[ \t]+|.',
    re.DOTALL,
)
_WORD = re.compile(r"[\w$]")
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


def bundle(entry: Path) -> bytes:
    """The script that the module ``entry`` and everything that it imports make.

    Raises:
        ValueError: two modules mean different things by one name, or something is imported in a way that is not known.
    """
    parts: dict[Path, str] = {}
    names: list[str] = []
    _add(entry.resolve(), parts, names)
    if doubled := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two modules of {entry.name} have something called {', '.join(sorted(doubled))}")
    everything = "".join(parts.values())
    body = "".join(_code(_FUNCTION.sub(lambda found: _called(found, everything), part)) for part in parts.values())
    return f'(() => {{\n"use strict";\n{body}}})();\n'.encode()


def _add(path: Path, parts: dict[Path, str], names: list[str]) -> None:
    if path in parts:
        return
    source, sheets = path.read_text(), ""
    for found in _IMPORT.finditer(source):
        imported = (path.parent / found["file"]).resolve()
        if imported.suffix == ".json":
            parsed = json.loads(imported.read_text())
            pairs = ",".join(f"{key}:{json.dumps(value, ensure_ascii=False)}" for key, value in parsed.items())
            sheets += f"const {found['names']} = {{{pairs}}};\n"
        elif imported.suffix == ".css":
            text = json.dumps(_css(imported.read_text()), ensure_ascii=False)
            sheets += f"const {found['names']} = new CSSStyleSheet();\n{found['names']}.replaceSync({text});\n"
        else:
            _add(imported, parts, names)
    code = _COMMENT.sub("", _IMPORT.sub("", source))
    code = re.sub(r"^export (?=(?:async function|function|const|class) )", "", code, flags=re.MULTILINE)
    if left := re.search(r"^(import|export)\b.*", code, re.MULTILINE):
        raise ValueError(f"{path.name}: {left[0]!r} is more than this can put together")
    names += _TOP.findall(sheets + code)
    parts[path] = sheets + code


def _called(function: re.Match[str], everything: str) -> str:
    return function[0] if len(re.findall(rf"\b{function[1]}\b", everything)) > 1 else ""


def _code(text: str) -> str:
    """The same program with no more blanks and line breaks than it needs.

    It counts on the source: statements end with a semicolon, and a division stands between blanks, or it is a pattern.
    """
    pieces = _TOKEN.findall(text)
    kept: list[str] = []
    for piece, after in zip(pieces, [*pieces[1:], "\n"], strict=True):
        before = kept[-1][-1] if kept else "\n"
        if piece == "\n":
            needless = before in "\n{;,([=>&|?:" or after[0] in "\n .})]?:&|"
        else:
            needless = piece.isspace() and not (_WORD.match(before) and _WORD.match(after[0]))
        if needless:
            continue
        if piece in {")", "]", "}"} and (before == "," or (before == ";" and piece == "}")):
            kept.pop()
        kept.append(piece)
    return "".join(kept).replace("return undefined;", "return;") + "\n"


def _css(text: str) -> str:
    plain = re.sub(r"\s+", " ", _CSS_COMMENT.sub("", text))
    plain = re.sub(r'="([a-z][\w-]*)"]', r"=\1]", plain)  # a name needs no quotes, which would be escaped
    plain = re.sub(r"(?<![\w.])0(?=\.\d)", "", plain)
    return re.sub(r" ?([{};,>]) ?", r"\1", plain).replace(": ", ":").replace(";}", "}").strip()
