"""How Python is changed: by the syntax tree's positions, on the source's own text.

Left out: docstrings, annotations, decorators, assertions (they narrow types), the texts of errors.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.mutation.mutant import Edit

_WIDEST = 80
"""Characters of the expression that is shown around a change."""

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Is: (r"is\b", "is not"),
    ast.IsNot: (r"is\s+not", "is"),
    ast.In: (r"in\b", "not in"),
    ast.NotIn: (r"not\s+in", "in"),
}

_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {ast.Add: (r"\+", "-"), ast.Sub: ("-", "+")}


class Source:
    """A module's text with its tree, and where each node stands in the text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self.parents = {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}
        self._lines = text.splitlines(keepends=True)
        self._starts = [0]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """The first character of a node and the one after its last."""
        assert isinstance(node, ast.expr | ast.stmt | ast.keyword)
        return (
            self._offset(node.lineno, node.col_offset),
            self._offset(node.end_lineno or node.lineno, node.end_col_offset or node.col_offset),
        )

    def of(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def around(self, node: ast.AST) -> tuple[int, int]:
        """The widest expression around a node that still is a short line."""
        best = self.span(node)
        while (parent := self.parents.get(node)) is not None and isinstance(parent, ast.expr | ast.stmt | ast.keyword):
            start, end = self.span(parent)
            if end - start > _WIDEST or "\n" in self.text[start:end]:
                break
            best, node = (start, end), parent
        return best

    def lines(self, node: ast.AST) -> range | None:
        """Where a test has to pass to notice a change of this node: its statement; of a default value, the function."""
        inside = node
        while not isinstance(node, ast.stmt):
            if isinstance(node, ast.arguments):
                inside = self.parents[node]
            node = self.parents[node]
        if node in self.tree.body and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return None
        first = inside if hasattr(node, "body") else node
        assert isinstance(first, ast.expr | ast.stmt | ast.keyword)
        return range(first.lineno, (first.end_lineno or first.lineno) + 1)

    def _offset(self, line: int, column: int) -> int:
        # Columns of the tree are bytes of UTF-8.
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())


def edits_by_place(source: Source) -> dict[str, list[Edit]]:
    """Every edit of a module, by the function or constant that it is in."""
    places: dict[str, list[Edit]] = defaultdict(list)
    for place, root in _places(source.tree):
        for node in _nodes(root):
            for kind, operator in OPERATORS:
                if isinstance(node, kind):
                    lines = source.lines(node)
                    places[place] += [replace(edit, lines=lines) for edit in operator(source, node)]
    return dict(places)


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every function of a module and every method of its classes, by its name."""
    for node in tree.body:
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                yield (f"{node.name}.{inner.name}" if isinstance(node, ast.ClassDef) else inner.name), inner


def _places(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    yield from functions(tree)
    for node in tree.body:
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ):
                yield name, value


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A node and what is in it, but for what is left out."""
    yield node
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list"} or isinstance(node, ast.Raise | ast.JoinedStr):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.Assert):
                yield from _nodes(child)


def _between(source: Source, left: ast.AST, right: ast.AST, pattern: str) -> tuple[int, int]:
    """Where the operator between two operands stands."""
    end = source.span(left)[1]
    found = re.search(pattern, source.text[end : source.span(right)[0]])
    assert found is not None
    return end + found.start(), end + found.end()


def comparison(source: Source, node: ast.Compare) -> Iterator[Edit]:
    operands = [node.left, *node.comparators]
    for left, operator, right in zip(operands, node.ops, operands[1:], strict=False):
        pattern, other = _COMPARISONS[type(operator)]
        yield Edit("comparison", *_between(source, left, right, pattern), other, source.around(node))


def connective(source: Source, node: ast.BoolOp) -> Iterator[Edit]:
    word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
    for left, right in zip(node.values, node.values[1:], strict=False):
        yield Edit("connective", *_between(source, left, right, rf"\b{word}\b"), other, source.around(node))


def arithmetic(source: Source, node: ast.BinOp) -> Iterator[Edit]:
    if type(node.op) in _ARITHMETIC:
        pattern, other = _ARITHMETIC[type(node.op)]
        yield Edit("arithmetic", *_between(source, node.left, node.right, pattern), other, source.around(node))


def negation(source: Source, node: ast.UnaryOp) -> Iterator[Edit]:
    if isinstance(node.op, ast.Not):
        yield Edit("not", source.span(node)[0], source.span(node.operand)[0], "", source.around(node))


def constant(source: Source, node: ast.Constant) -> Iterator[Edit]:
    if isinstance(node.value, bool):
        yield Edit("constant", *source.span(node), str(not node.value), source.around(node))
    elif isinstance(node.value, int | float):
        yield Edit("constant", *source.span(node), str(node.value + 1), source.around(node))
        yield Edit("constant", *source.span(node), str(node.value - 1), source.around(node))


def condition(source: Source, node: ast.If | ast.IfExp) -> Iterator[Edit]:
    for value in ("True", "False"):
        start, end = source.span(node.test)
        shown = (source.span(node)[0], end) if isinstance(node, ast.If) else source.around(node.test)
        yield Edit("condition", start, end, value, shown)


def returned(source: Source, node: ast.Return) -> Iterator[Edit]:
    if node.value is not None and source.of(node.value) != "None":
        yield Edit("return", *source.span(node.value), "None", source.span(node))


def statement(source: Source, node: ast.Expr | ast.Raise) -> Iterator[Edit]:
    if isinstance(node, ast.Raise) or isinstance(node.value, ast.Await):
        yield Edit("statement", *source.span(node), "pass")


OPERATORS: tuple[tuple[type[ast.AST] | tuple[type[ast.AST], ...], Callable[..., Iterator[Edit]]], ...] = (
    (ast.Compare, comparison),
    (ast.BoolOp, connective),
    (ast.BinOp, arithmetic),
    (ast.UnaryOp, negation),
    (ast.Constant, constant),
    ((ast.If, ast.IfExp), condition),
    (ast.Return, returned),
    ((ast.Expr, ast.Raise), statement),
)
