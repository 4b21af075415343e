"""The tests that are marked as attacks, read from their source."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.attacks import MARK
from tests.house.tree import AST, modules, statements


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A test and an attack that the test tries.

    Attributes:
        attack: the attack's whole name.
        cases: the test's cases that try the attack; all cases if empty.
        path: the path of the test's file.
        test: the function's name.
        known: every text and function's name in the file, which include the cases.
    """

    attack: str
    cases: tuple[str, ...]
    path: str
    test: str
    known: frozenset[str]


@cache
def marked() -> tuple[Marked, ...]:
    """List every mark, in the order of files and lines."""
    return tuple(_all())


def _all() -> Iterator[Marked]:
    for module in modules("tests"):
        if MARK not in module.text or module.path == "tests/attacks.py":
            continue
        tree = module.parse()
        known = frozenset(_known(tree))
        functions = [each for each in statements(tree) if isinstance(each, AST)]
        for function in functions:
            for words in _marks(function):
                yield Marked(
                    attack=words[0],
                    cases=words[1:],
                    path=module.path,
                    test=function.name,
                    known=known,
                )


def _marks(function: AST) -> Iterator[tuple[str, ...]]:
    for node in function.decorator_list:
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == MARK
        ):
            yield tuple(
                str(word.value) for word in node.args if isinstance(word, ast.Constant)
            )


def _known(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.FunctionDef(name=name):
                yield name
            case ast.keyword(arg=str(name)):
                yield name.replace("_", " ")
            case _:
                pass
