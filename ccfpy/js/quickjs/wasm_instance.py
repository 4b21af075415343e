"""One instance of the engine in WebAssembly: rows in, rows out, and its memory.

An instance has memory of its own, which nothing in it can leave. Whatever goes wrong in
there, overruns and frees of freed memory included, ends in a trap or in a wrong answer
to the script that caused it. It cannot touch the process.

An image of the memory can be copied over the memory again. That is how a script gets an
unused context in microseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from ccfpy.base.limits import (
    JS_HEAP_BYTES_CEILING,
    JS_STACK_BYTES_CEILING,
    JS_TICK_MS,
)
from ccfpy.js.quickjs.compiled import module
from ccfpy.js.quickjs.native import (
    NO_DEADLINE,
    PAGE_BYTES,
    SLOT,
    U32,
    NativeInstance,
    Trapped,
)

if TYPE_CHECKING:
    from ccfpy.js.quickjs.native import Slots

_BUFFER_BYTES: Final = 1 << 16
"""The size of the buffer in an instance that is ready to be copied."""
_SPARE_BYTES: Final = 1 << 20
"""The free memory in an instance that is ready to be copied."""
_FENCE_BYTES: Final = 64
"""The bytes at the end of free memory and of the heap in which the allocator keeps its
lengths."""
_ENDING_MASK: Final = 3
_LACKED_MEMORY: Final = 4
_LENGTH_SHIFT: Final = 3
_FRAME_SHARE: Final = 3
"""A script's frame takes a third of the stack here that it takes in QuickJS as native
code, for which CCF's users set their limits."""
_SPARE_TICKS: Final = 3
"""Ticks beyond a script's time: the engine itself looks at the clock in most loops, and
then says better what was stopped."""
_OUTSIDE: Final = "The engine named a place outside its memory"
_NO_MEMORY: Final = "The engine's memory is full"
_TIME_BYTES: Final = 8


class Callbacks(Protocol):
    """What a script calls.

    No exception can pass the engine: one that is raised here ends the instance.
    """

    def call_function(self, row: bytes) -> bytes:
        """Call a Python function with a row of arguments, and return its result."""
        ...

    def module_source(self, row: bytes) -> bytes:
        """Return the source of a module by its name, or undefined."""
        ...

    def is_over(self) -> bool:
        """Return whether the script must stop; called every few thousand steps."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryImage:
    """A copy of an instance's memory.

    Attributes:
        memory_bytes: the size of the memory.
        parts: the used parts above the stack, each with its address.
        buffer: the address of the buffer.
    """

    memory_bytes: int
    parts: tuple[tuple[int, bytes], ...]
    buffer: int

    @property
    def size(self) -> int:
        """How many bytes are copied to lay the image out."""
        return sum(len(part) for _, part in self.parts)


class WasmInstance:
    """One instance of the engine.

    Attributes:
        callbacks: what the script calls while an export runs.
        is_sound: whether another script may be put into the instance: it never trapped,
            left what is no row, or was refused memory. QuickJS is not safe where memory
            runs out.
        lacked_memory: whether the heap's limit was reached in the last run.
    """

    def __init__(self, callbacks: Callbacks) -> None:
        self.callbacks = callbacks
        self.is_sound = True
        self.lacked_memory = False
        self._instance = NativeInstance(module())
        self._view = self._instance.view()
        self._buffer = self._room = 0
        self._call("_initialize")

    def __del__(self) -> None:
        """Free the memory."""
        instance: NativeInstance | None = getattr(self, "_instance", None)
        if instance is not None:
            instance.close()

    @property
    def memory_bytes(self) -> int:
        """The size of the memory; it never shrinks."""
        return self._instance.memory_bytes

    def run(self, export: str, row: bytes, argument: int = 0) -> tuple[int, bytes]:
        """Write a row, call an export, and return how it ended and the row it left.

        Raises:
            Trapped: the instance trapped.
        """
        self._write(row)
        answer = self._call(export, argument)
        length = (answer & U32) >> _LENGTH_SHIFT
        self.lacked_memory = bool(answer & _LACKED_MEMORY)
        self.is_sound = self.is_sound and not self.lacked_memory
        self._buffer = answer >> 32
        return answer & _ENDING_MASK, self._read(self._buffer, length)

    def restrict(self, heap_bytes: int, stack_bytes: int) -> None:
        """Limit the heap and the stack of what runs from now on.

        A larger limit than an instance can have means the largest that it can have.
        """
        heap_bytes = min(heap_bytes, JS_HEAP_BYTES_CEILING)
        # Zero would be no limit to the engine.
        stack_bytes = max(min(stack_bytes, JS_STACK_BYTES_CEILING) // _FRAME_SHARE, 1)
        self._call("restrict", heap_bytes, stack_bytes)

    def set_deadline(self, milliseconds: int) -> None:
        """Set a deadline a little later than ``milliseconds`` from now.

        It ends loops in the engine itself, which look at no clock. It is only as exact
        as the ticks, and does nothing where nobody counts ticks.
        """
        ticks = milliseconds // JS_TICK_MS + _SPARE_TICKS
        self._instance.set_deadline(min(ticks, NO_DEADLINE))

    def image(self) -> MemoryImage:
        """Copy the memory, after making it ready for calls that begin here.

        Raises:
            Trapped: the instance trapped.
        """
        instance = self._instance
        instance.set_deadline(NO_DEADLINE)
        settled = self._call("settle")
        spare = settled >> 32
        if not spare:
            raise self.broken(_NO_MEMORY)
        self._buffer, self._room = settled & U32, _BUFFER_BYTES
        size = self.memory_bytes
        free = sorted(
            [
                (spare + _FENCE_BYTES, spare + _SPARE_BYTES - _FENCE_BYTES),
                (self._buffer, self._buffer + _BUFFER_BYTES),
            ]
        )
        begins = [instance.stack_top, *(end for _, end in free), size - _FENCE_BYTES]
        ends = [*(begin for begin, _ in free), size - _FENCE_BYTES, size]
        parts = [
            (begin, self._read(begin, end - begin))
            for begin, end in zip(begins, ends, strict=True)
        ]
        # The last but one ends in heap that nothing uses: the allocator's own mark of
        # where it begins is not zero, though its last bytes may be, and comes after
        # everything in use.
        place, part = parts[-2]
        parts[-2] = (place, part[: len(part.rstrip(b"\0")) + _FENCE_BYTES])
        return MemoryImage(memory_bytes=size, parts=tuple(parts), buffer=self._buffer)

    def lay(self, image: MemoryImage) -> None:
        """Copy an image over the memory of an instance that was just made.

        Raises:
            Trapped: there is no memory for the image.
        """
        missing = image.memory_bytes - self.memory_bytes
        if not self._instance.grow(missing // PAGE_BYTES):
            raise self.broken(_NO_MEMORY)
        self.relay(image)

    def relay(self, image: MemoryImage) -> None:
        """Copy an image again over a memory that has not grown since."""
        for place, part in image.parts:
            self._place(place, part)
        self._buffer, self._room = image.buffer, _BUFFER_BYTES

    def broken(self, reason: str) -> Trapped:
        """Return the error for an instance that answers what it cannot mean."""
        self.is_sound = False
        return Trapped(reason)

    # What the engine imports

    def on_call(self, slots: "Slots") -> None:
        """Call a Python function.

        It does what ``_answer`` does, without the calls of methods where row and result
        lie in the part of memory that ``_view`` shows.
        """
        told = slots[0]
        place = told >> 32
        if place != self._buffer:
            self._buffer, self._room = place, _BUFFER_BYTES
        view = self._view
        length = told & U32
        row = view[place : place + length].tobytes()
        if len(row) != length:
            row = self._read(place, length)
        answer = self.callbacks.call_function(row)
        end = place + len(answer)
        if len(answer) <= self._room and end <= len(view):
            view[place:end] = answer
        else:
            self._write(answer)

    def on_source(self, slots: "Slots") -> None:
        """Answer with the source of a module."""
        self._answer(self.callbacks.module_source, slots)

    def on_interrupt(self, slots: "Slots") -> None:
        """Answer whether the script must stop."""
        slots[0] = int(self.callbacks.is_over())

    def on_clock(self, slots: "Slots") -> None:
        """Answer that it is 1970: scripts get their time from an extension."""
        self._zero(slots[2 * SLOT] & U32, _TIME_BYTES)
        slots[0] = 0

    def on_random(self, slots: "Slots") -> None:
        """Answer with zeros: scripts get their randomness from an extension."""
        self._zero(slots[0] & U32, slots[SLOT] & U32)
        slots[0] = 0

    def _answer(self, ask: Callable[[bytes], bytes], slots: "Slots") -> None:
        told = slots[0]
        place = told >> 32
        if place != self._buffer:
            self._buffer, self._room = place, _BUFFER_BYTES
        self._write(ask(self._read(place, told & U32)))

    def _zero(self, place: int, length: int) -> None:
        self._place(place, bytes(min(length, self.memory_bytes)))

    def _read(self, place: int, length: int) -> bytes:
        """Copy from the memory.

        Raises:
            Trapped: the memory ends before: an engine whose memory a script has broken
                may name any address.
        """
        row = bytes(self._view[place : place + length])
        if len(row) != length:
            self._view = self._instance.view()
            row = bytes(self._view[place : place + length])
            if len(row) != length:
                raise self.broken(_OUTSIDE)
        return row

    def _write(self, row: bytes) -> None:
        size = len(row)
        if size > self._room:
            self._buffer = self._call("reserve", size) & U32
            if not self._buffer:
                raise self.broken(_NO_MEMORY)
            self._room = size
        self._place(self._buffer, row)

    def _place(self, place: int, data: bytes) -> None:
        end = place + len(data)
        if end > len(self._view):
            self._view = self._instance.view()
            if end > len(self._view):
                raise self.broken(_OUTSIDE)
        self._view[place:end] = data

    def _call(self, export: str, first: int = 0, second: int = 0) -> int:
        try:
            return self._instance.call(self, export, first, second)
        except Trapped:
            self.is_sound = False
            raise
