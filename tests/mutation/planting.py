"""Puts a mutant into this process, in place of what was imported. Nothing is written to the tree.

It is for a forked child that ends afterwards: there is no way back. Python: the code of the changed function goes into
the function that is there, so that whoever has imported it has the mutant. SQL: the block is exchanged as the file is
parsed; repositories load their statements when they are made.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CodeType, FunctionType, MappingProxyType, ModuleType
from typing import Any, LiteralString, cast

from infra.postgres import queries
from tests.mutation.mutant import Mutant


def plant(mutant: Mutant, root: Path) -> None:
    """From now on this process has the mutant."""
    if mutant.file.endswith(".sql"):
        sound = queries.parse((root / mutant.file).read_text(encoding="utf-8"))
        _parse_as(lambda blocks: {**blocks, mutant.place: mutant.source} if blocks == sound else blocks)
        return
    module = _module(mutant.file)
    changed = _executed(module, compile(mutant.source, str(module.__file__), "exec", dont_inherit=True))
    if function := dict(_functions(module)).get(mutant.place):
        _exchange(function, dict(_functions(changed))[mutant.place])
    else:
        _rename(mutant.place, getattr(module, mutant.place), getattr(changed, mutant.place))


def _parse_as(change: Callable[[queries.Queries], Mapping[str, str]]) -> None:
    parse = queries.parse

    def parse_changed(text: str) -> queries.Queries:
        return MappingProxyType(cast("dict[str, LiteralString]", change(parse(text))))

    cast("Any", queries).parse = parse_changed
    queries.load.cache_clear()


def _module(file: str) -> ModuleType:
    return importlib.import_module(file.removesuffix(".py").replace("/", "."))


def _executed(module: ModuleType, code: CodeType) -> ModuleType:
    fresh = ModuleType(module.__name__)
    fresh.__dict__.update(__file__=module.__file__, __package__=module.__package__)
    exec(code, fresh.__dict__)
    return fresh


def _functions(module: ModuleType) -> Iterator[tuple[str, FunctionType]]:
    """The functions that the module itself defines, and its classes' methods and properties."""
    for name, value in list(vars(module).items()):
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            yield name, value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            for attribute, member in vars(value).items():
                found = getattr(member, "fget", None) or getattr(member, "__func__", member)
                if isinstance(found, FunctionType):
                    yield f"{name}.{attribute}", found


def _exchange(function: FunctionType, changed: FunctionType) -> None:
    function.__code__ = changed.__code__
    function.__defaults__ = changed.__defaults__
    function.__kwdefaults__ = changed.__kwdefaults__


def _rename(name: str, old: object, new: object) -> None:
    """A constant, also where it was imported by its name."""
    for module in list(sys.modules.values()):
        if vars(module).get(name) is old:
            setattr(module, name, new)
