"""Contexts as they were before their first call, kept as images of memory.

A context for a call is a copy of such an image. What a module does while it is loaded
follows from its source alone, unless it calls a Python function: such a module is
loaded anew for each call. So a script cannot tell that its context is a copy.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from ccfpy.base.limits import JS_IMAGE_BYTES_MAX, JS_IMAGES_BYTES_MAX
from ccfpy.js.engine import JsLimits
from ccfpy.js.quickjs.native import Trapped
from ccfpy.js.quickjs.script_instance import ScriptInstance
from ccfpy.js.quickjs.values import UNDEFINED
from ccfpy.js.quickjs.wasm_instance import MemoryImage, WasmInstance


@dataclass(slots=True, kw_only=True, eq=False)
class PreparedContext:
    """A state from which calls begin, and an instance that was in this state before.

    Attributes:
        image: the memory in this state.
        known: the modules in it.
        has_run: whether the bodies of these modules have run.
    """

    image: MemoryImage
    known: frozenset[str] = frozenset()
    has_run: bool = False
    _spare: WasmInstance | None = None

    @classmethod
    def of(cls, script: ScriptInstance, *, has_run: bool) -> "PreparedContext":
        """Copy the state that a script is in.

        Raises:
            JsLimitExceeded: the script left no memory for the copy to be ready.
        """
        try:
            image = script.instance.image()
        except Trapped as trap:
            raise script.broken(trap) from None
        return cls(image=image, known=frozenset(script.known), has_run=has_run)

    def enter(self, script: ScriptInstance) -> None:
        """Put a script into an instance in this state.

        Raises:
            JsLimitExceeded: there is no memory for another instance.
        """
        instance, self._spare = self._spare, None
        if instance is None:
            instance = WasmInstance(script)
            try:
                instance.lay(self.image)
            except Trapped as trap:
                raise script.broken(trap) from None
        else:
            instance.callbacks = script
            instance.relay(self.image)
        script.instance = instance
        script.known = set(self.known)

    def leave(self, script: ScriptInstance) -> None:
        """Take back the instance of a script whose call has ended.

        An instance that is not sound is dropped, and one whose memory has grown, as it
        cannot free memory.
        """
        instance = script.instance
        del script.instance
        instance.callbacks = _NOBODY
        if instance.is_sound and instance.memory_bytes == self.image.memory_bytes:
            self._spare = instance


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextRecipe:
    """How the context for calls of one module's functions is made.

    Attributes:
        bare: the context without any module.
        library: anything that stands for the sources of all modules.
        name: the module's name, as the engine has it.
        source: the module's source.
        loading: the limits of the modules' bodies.
        limits: the limits of the call.
    """

    bare: PreparedContext
    library: Hashable
    name: str
    source: str
    loading: JsLimits
    limits: JsLimits
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Compute the hash once, as every call needs it."""
        parts = self.bare, self.library, self.name, self.loading, self.limits
        object.__setattr__(self, "_hash", hash(parts))

    def __hash__(self) -> int:
        """Return the hash."""
        return self._hash

    def compile(self, script: ScriptInstance) -> None:
        """Put a script into a context in which the module is known, but has not run."""
        self.bare.enter(script)
        script.compile(self.name, self.source)
        script.restrict(self.loading)

    def load(self, script: ScriptInstance) -> None:
        """Run the module's body."""
        script.begin(self.loading)
        script.load(self.name)
        script.restrict(self.limits)


class ContextPool:
    """The prepared contexts that were used last, up to a number of bytes."""

    def __init__(self) -> None:
        self._pool: OrderedDict[Hashable, PreparedContext] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """Return the number of contexts."""
        return len(self._pool)

    def get(self, key: Hashable) -> PreparedContext | None:
        """Return a context, and mark it as the one used last."""
        context = self._pool.get(key)
        if context is not None:
            self._pool.move_to_end(key)
        return context

    def put(self, key: Hashable, context: PreparedContext) -> None:
        """Keep a context unless it is too large; drop the least recently used ones."""
        if _size(context) > JS_IMAGE_BYTES_MAX:
            return
        before = self._pool.pop(key, None)
        if before is not None:  # made by two calls at once
            self._bytes -= _size(before)
        self._pool[key] = context
        self._bytes += _size(context)
        while self._bytes > JS_IMAGES_BYTES_MAX:
            _, oldest = self._pool.popitem(last=False)
            self._bytes -= _size(oldest)

    def enter(self, script: ScriptInstance, recipe: ContextRecipe) -> PreparedContext:
        """Put a script into a context in which a module is loaded, and start its time.

        Returns:
            The context to leave after the call.

        Raises:
            JsException: a module's body threw or was stopped.
            JsModuleFailed: a module is missing or does not compile.
        """
        context = self.get(recipe)
        if context is None:
            context = self._make(script, recipe)
        else:
            context.enter(script)
            if not context.has_run:
                recipe.load(script)
        script.begin(recipe.limits)
        return context

    def _make(self, script: ScriptInstance, recipe: ContextRecipe) -> PreparedContext:
        """Load a module for the first time, and keep the state before a call.

        A state in which memory was refused is not kept.
        """
        recipe.compile(script)
        recipe.load(script)
        if script.instance.is_sound and not script.has_asked:
            context = PreparedContext.of(script, has_run=True)
        else:
            other = script.silent()
            recipe.compile(other)
            context = PreparedContext.of(other, has_run=False)
        self.put(recipe, context)
        return context


def _size(context: PreparedContext) -> int:
    return context.image.size


class _Nobody:
    """Stands for the script where an instance has none; nothing calls it."""

    def call_function(self, _row: bytes) -> bytes:
        return UNDEFINED

    def module_source(self, _row: bytes) -> bytes:
        return UNDEFINED

    def is_over(self) -> bool:
        return False


_NOBODY: Final = _Nobody()
