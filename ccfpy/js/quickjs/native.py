"""WebAssembly as ``wasmtime`` runs it: the module, what it imports, and how it traps.

A call through the Python interface of ``wasmtime`` costs some fifty microseconds, so
calls into a module and out of it go through the C interface. Its headers document every
function used here (``wasmtime/func.h``, ``linker.h``, ``memory.h``, ``trap.h``). No
other file knows ``wasmtime``. Where WebAssembly's own names say ``host``, they mean the
process that runs the module: the enclave.
"""

import ctypes
import pkgutil
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias, cast

import wasmtime
from wasmtime import _bindings, _ffi

from ccfpy.base.errors import CcfpyError
from ccfpy.base.limits import JS_NATIVE_STACK_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    Slots: TypeAlias = ctypes.Array[ctypes.c_uint64]
    """Arguments, and then results, of a call; each in every second place."""

SLOT: Final = 2
"""A raw value of the C interface takes sixteen bytes, of which we use eight."""
U32: Final = 0xFFFFFFFF
PAGE_BYTES: Final = 1 << 16
_ARGUMENTS_MAX: Final = 4
_STACK_OVERFLOW: Final = 0
_INTERRUPTED: Final = 10
"""Codes of traps (``wasmtime/trap.h``)."""
NO_DEADLINE: Final = 1 << 40
"""In ticks, of which there are some dozens in a second."""


class Trapped(CcfpyError):
    """An instance trapped, and cannot be used again.

    Attributes:
        is_stack_overflow: whether calls were too deep for the process's own stack.
        is_late: whether the instance ran beyond its deadline.
    """

    def __init__(
        self, message: str, *, is_stack_overflow: bool = False, is_late: bool = False
    ) -> None:
        super().__init__(message)
        self.is_stack_overflow = is_stack_overflow
        self.is_late = is_late


class Imports(Protocol):
    """What an instance imports. An exception raised here becomes a trap."""

    def on_call(self, slots: "Slots") -> None:
        """``host.call``: where the buffer is, and how much of it is used."""
        ...

    def on_source(self, slots: "Slots") -> None:
        """``host.source``: takes the same argument."""
        ...

    def on_interrupt(self, slots: "Slots") -> None:
        """``host.interrupt``: answers whether to stop."""
        ...

    def on_clock(self, slots: "Slots") -> None:
        """``clock_time_get``: which clock, precision, and where to put the time."""
        ...

    def on_random(self, slots: "Slots") -> None:
        """``random_get``: where, and how many bytes."""
        ...


_running: Final[ContextVar[Imports]] = ContextVar("running")
"""The owner of the export that runs; an import may run another export within it."""


class NativeInstance:
    """One instance of the module.

    Attributes:
        exports: what a call of each function is made of, by name.
        stack_top: the address below which memory holds only frames of calls.
        base: the address at which memory begins. All addresses that the memory may take
            are reserved, so it never moves.
    """

    def __init__(self, module: "Module") -> None:
        self._module = module
        self._deadline = (-1, 0)
        self._library = library = module.library
        self._store = wasmtime.Store(module.engine)
        self._context = ctypes.cast(self._store._context(), ctypes.c_void_p)  # noqa: SLF001
        # The engine may begin by copying its data, and count that as running.
        self.set_deadline(NO_DEADLINE)
        instance = module.linker.instantiate(self._store, module.code)
        exports: dict[str, Any] = dict(instance.exports(self._store).items())
        self._keep = exports
        self._memory = _Pointer(exports["memory"]._memory)  # noqa: SLF001
        self.stack_top: int = exports["__stack_pointer"].value(self._store)
        self._slots = slots = (ctypes.c_uint64 * (_ARGUMENTS_MAX * SLOT))()
        self._trap = trap = _Pointer(ctypes.c_void_p())
        # What a call is given is always the same, but for what is in it.
        count = ctypes.c_size_t(_ARGUMENTS_MAX)
        self.exports = {
            name: (self._context, _Pointer(export._func).at, slots, count, trap.at)  # noqa: SLF001
            for name, export in exports.items()
            if isinstance(export, wasmtime.Func)
        }
        self.base: int = library.memory_data(self._context, self._memory.at)

    def set_deadline(self, ticks: int) -> None:
        """Set after how many more ticks the instance traps.

        It may trap one tick earlier, if a tick is counted at this moment.
        """
        deadline = self._module.ticks, ticks
        if deadline != self._deadline:
            self._library.set_deadline(self._context, ticks)
            self._deadline = deadline

    def close(self) -> None:
        """Free the memory now, not when the garbage collector finds it."""
        self._store.close()

    @property
    def memory_bytes(self) -> int:
        """The size of the memory in bytes; it never shrinks."""
        return cast("int", self._library.memory_size(self._context, self._memory.at))

    def view(self) -> memoryview:
        """Return a view of the memory, which ends where the memory ends now."""
        size = self.memory_bytes
        return memoryview((ctypes.c_char * size).from_address(self.base)).cast("B")

    def grow(self, pages: int) -> bool:
        """Make the memory larger; return whether there was room."""
        before = ctypes.c_uint64()
        error = self._library.grow(
            self._context, self._memory.at, pages, ctypes.byref(before)
        )
        if error:
            self._library.delete_error(error)
        return not error

    def call(self, owner: Imports, export: str, first: int = 0, second: int = 0) -> int:
        """Call an export and return its result; any number if the export has none.

        Args:
            owner: gets the calls of what the instance imports.
            export: the function's name.
            first: its argument, if it has one.
            second: its other argument, if it has two.

        Raises:
            Trapped: the instance trapped.
        """
        slots = self._slots
        slots[0] = first
        slots[SLOT] = second
        outer = _running.set(owner)
        error = self._library.call(*self.exports[export])
        _running.reset(outer)
        if error or self._trap.target.value:
            raise self._library.trapped(error, self._trap.target)
        result: int = slots[0]
        return result


class _Pointer:
    """A C object, and where it is."""

    __slots__ = ("at", "target")

    def __init__(self, target: Any) -> None:  # noqa: ANN401 - ctypes' own are private
        self.target = target
        self.at = ctypes.cast(ctypes.pointer(target), ctypes.c_void_p)


_POINTER, _SIZE = ctypes.c_void_p, ctypes.c_size_t
_Callback = ctypes.CFUNCTYPE(
    _POINTER, _POINTER, _POINTER, ctypes.POINTER(ctypes.c_uint64), _SIZE
)


class _Library:
    """The C interface.

    Python's interpreter lock is released while an export runs, as the thread that
    counts ticks needs it. Calls that take no time keep the lock.
    """

    def __init__(self) -> None:
        self._dll = dll = ctypes.PyDLL(_ffi.dll._name)  # noqa: SLF001
        self.call = ctypes.CDLL(_ffi.dll._name).wasmtime_func_call_unchecked  # noqa: SLF001
        self.call.restype = _POINTER
        # No types of arguments: they are C's already, and would be looked at each time.
        self.memory_data = dll.wasmtime_memory_data
        self.memory_data.restype = _POINTER
        self.memory_data.argtypes = [_POINTER, _POINTER]
        self.memory_size = dll.wasmtime_memory_data_size
        self.memory_size.restype = _SIZE
        self.memory_size.argtypes = [_POINTER, _POINTER]
        self.grow = dll.wasmtime_memory_grow
        self.grow.restype = _POINTER
        self.grow.argtypes = [_POINTER, _POINTER, ctypes.c_uint64, _POINTER]
        self.new_trap = dll.wasmtime_trap_new
        self.new_trap.restype = _POINTER
        self.new_trap.argtypes = [ctypes.c_char_p, _SIZE]
        self.set_deadline = dll.wasmtime_context_set_epoch_deadline
        self.set_deadline.restype = None
        self.set_deadline.argtypes = [_POINTER, ctypes.c_uint64]
        self._trap_code = dll.wasmtime_trap_code
        self._trap_code.restype = ctypes.c_bool
        self._trap_code.argtypes = [_POINTER, _POINTER]
        self._delete_trap = dll.wasm_trap_delete
        self._delete_trap.restype = None
        self._delete_trap.argtypes = [_POINTER]
        self.delete_error = dll.wasmtime_error_delete
        self.delete_error.restype = None
        self.delete_error.argtypes = [_POINTER]

    def trapped(self, error: int | None, trap: ctypes.c_void_p) -> Trapped:
        """Return the exception for a trap, and free the trap."""
        known = None
        if trap.value:
            code = ctypes.c_uint8()
            if self._trap_code(trap, ctypes.byref(code)):
                known = code.value
            self._delete_trap(trap)
            trap.value = None
        if error:
            self.delete_error(error)
        return Trapped(
            "The engine broke off",
            is_stack_overflow=known == _STACK_OVERFLOW,
            is_late=known == _INTERRUPTED,
        )


def read_engine() -> bytes:
    """Read the engine as WebAssembly."""
    code = pkgutil.get_data(__package__, "engine.wasm")
    assert code is not None, "the engine lies beside this file"
    return code


class Module:
    """The compiled module, with what it imports.

    Compiling takes about a second of processor time, without the interpreter's lock.

    Args:
        code: WebAssembly.
        compiled: what ``serialize`` returned in an earlier process. It is native code:
            the caller answers for it. A processor, a version or settings that differ
            make it useless, and the module is compiled.

    Attributes:
        ticks: how many ticks were counted.
        was_kept: nothing had to be compiled.
    """

    def __init__(self, code: bytes, compiled: bytes | None = None) -> None:
        self.library = _Library()
        self.ticks = 0
        config = wasmtime.Config()
        # The C interface demands that this, which we do not use, be the larger.
        _bindings.wasmtime_config_async_stack_size_set(
            config.ptr(), 2 * JS_NATIVE_STACK_BYTES_MAX
        )
        config.epoch_interruption = True
        # Mapping its data costs as much as copying, and needs a file in memory, which
        # the process may have given up making.
        config.memory_init_cow = False
        config.max_wasm_stack = JS_NATIVE_STACK_BYTES_MAX
        # The compiler's threads would outlive the compiler, and whatever the process
        # gives up afterwards they would keep.
        config.parallel_compilation = False
        self.engine = wasmtime.Engine(config)
        ready = None if compiled is None else self._deserialized(compiled)
        self.was_kept = ready is not None
        self.code = wasmtime.Module(self.engine, code) if ready is None else ready
        self.linker = wasmtime.Linker(self.engine)
        self._callbacks: list[object] = []
        i32, i64 = wasmtime.ValType.i32, wasmtime.ValType.i64
        ask = wasmtime.FuncType([i64()], [])
        self._define("host", "call", ask, lambda it, slots: it.on_call(slots))
        self._define("host", "source", ask, lambda it, slots: it.on_source(slots))
        poll = wasmtime.FuncType([], [i32()])
        self._define(
            "host", "interrupt", poll, lambda it, slots: it.on_interrupt(slots)
        )
        wasi = "wasi_snapshot_preview1"
        time = wasmtime.FuncType([i32(), i64(), i32()], [i32()])
        self._define(wasi, "clock_time_get", time, lambda it, slots: it.on_clock(slots))
        chance = wasmtime.FuncType([i32(), i32()], [i32()])
        self._define(wasi, "random_get", chance, lambda it, slots: it.on_random(slots))

    def _deserialized(self, compiled: bytes) -> wasmtime.Module | None:
        try:
            return wasmtime.Module.deserialize(self.engine, compiled)
        except wasmtime.WasmtimeError:
            return None

    def serialize(self) -> bytes:
        """Return the compiled module, for another process on such a machine."""
        return bytes(self.code.serialize())

    def tick(self) -> None:
        """Count a tick for all instances; any thread may call this."""
        self.engine.increment_epoch()
        self.ticks += 1

    def _define(
        self,
        module: str,
        name: str,
        form: wasmtime.FuncType,
        answer: "Callable[[Imports, Slots], None]",
    ) -> None:
        def native(_data: object, _caller: object, slots: "Slots", _count: int) -> int:
            try:
                answer(_running.get(), slots)
            except BaseException as error:  # noqa: BLE001 - nothing may pass through C
                message = str(error).encode(errors="replace")
                return cast("int", self.library.new_trap(message, len(message)))
            return 0

        callback = _Callback(native)
        self._callbacks.append(callback)
        failed: object = _bindings.wasmtime_linker_define_func_unchecked(
            self.linker.ptr(),
            ctypes.create_string_buffer(module.encode()),
            len(module),
            ctypes.create_string_buffer(name.encode()),
            len(name),
            form.ptr(),
            ctypes.cast(callback, _bindings.wasmtime_func_unchecked_callback_t),
            None,
            _NO_FINALIZER,
        )
        assert not failed, name


_NO_FINALIZER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()
