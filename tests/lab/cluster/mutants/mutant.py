"""A mistake: a function, a part of its source, and the replacement.

The function's source is changed and compiled again in its module. The function object
keeps its identity and gets the changed code, so that every importer runs the mutant.
"""

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType

_CODE = "__code__"


class NotApplicable(Exception):
    """The code under test does not have what a mutant changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One change of one function.

    Attributes:
        module: that is changed.
        function: a function, method, class method or property of the module.
        before: text that its source has exactly once.
        after: the replacement.
    """

    module: ModuleType
    function: str
    before: str
    after: str

    @property
    def target(self) -> FunctionType:
        """Find the function."""
        found: object = self.module
        for name in self.function.split("."):
            found = inspect.getattr_static(found, name)
        function = _plain(found)
        if not isinstance(function, FunctionType):
            raise NotApplicable(f"{self.function} is no function")
        return function

    def mutated_code(self) -> CodeType:
        """Compile the function with the change.

        Raises:
            NotApplicable: the text is not there exactly once.
        """
        target = self.target
        source = textwrap.dedent(inspect.getsource(target))
        if source.count(self.before) != 1:
            raise NotApplicable(f"{self.function} has no {self.before!r}")
        lines = "\n" * (target.__code__.co_firstlineno - 1)
        path = inspect.getsourcefile(target) or "<mutant>"
        changed = lines + source.replace(self.before, self.after)
        namespace: dict[str, object] = {}
        # A copy of the module's names, so that nothing in the module is bound anew.
        names = dict(vars(self.module))
        exec(compile(changed, path, "exec"), names, namespace)  # noqa: S102 - our source
        found = _plain(namespace[target.__name__])
        assert isinstance(found, FunctionType), "a function's source defines it"
        return found.__code__


def _plain(found: object) -> object:
    """Return the function of a property or a class method."""
    if isinstance(found, property):
        return found.fget
    return found.__func__ if isinstance(found, classmethod) else found


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One mistake.

    Attributes:
        name: in a few words.
        reason: where it comes from, and what is wrong with it.
        edits: the change; one, unless the mistake is in two places.
        is_rare: hardly any seed finds it, and a scenario stands for them
            (`tests/scenarios`).
        story: acts that show it in a service of three whole nodes, for what few seeds
            would do; without, a seed alone must find it.
        found_by: the test that must find it instead, because no honest node and no
            dishonest host can show it in a simulation.
    """

    name: str
    reason: str
    edits: tuple[Edit, ...]
    is_rare: bool = False
    story: tuple[str, ...] = ()
    found_by: str = ""

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Apply the mistake until the block ends."""
        with ExitStack() as stack:
            for edit in self.edits:
                stack.enter_context(_replaced(edit))
            yield


@contextmanager
def _replaced(edit: Edit) -> Iterator[None]:
    target = edit.target
    code = target.__code__
    # By name, because a type checker takes every callable for a method.
    setattr(target, _CODE, edit.mutated_code())
    try:
        yield
    finally:
        setattr(target, _CODE, code)
