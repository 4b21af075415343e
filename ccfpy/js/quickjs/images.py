"""Worlds as they were before their first call, kept to be laid out again.

What a module does while it is loaded follows from its source alone, unless it asks the
host something: then it is loaded anew for each call, as everything would be without
images. So a guest cannot tell that its world was made from one.
"""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from ccfpy.base.limits import JS_IMAGE_BYTES_MAX, JS_IMAGES_BYTES_MAX
from ccfpy.js.engine import JsLimits
from ccfpy.js.quickjs.guest import Guest
from ccfpy.js.quickjs.machine import Image, Machine
from ccfpy.js.quickjs.native import Trapped
from ccfpy.js.quickjs.values import UNDEFINED


@dataclass(slots=True, kw_only=True, eq=False)
class World:
    """A state from which calls begin, and a machine that has been in it.

    Attributes:
        image: the state.
        known: the modules in it.
        has_run: whether their bodies have run.
    """

    image: Image
    known: frozenset[str] = frozenset()
    has_run: bool = False
    _spare: Machine | None = None

    @classmethod
    def of(cls, guest: Guest, *, has_run: bool) -> "World":
        """Keep the state that a guest is in.

        Raises:
            JsLimitExceeded: it left no memory to make it ready.
        """
        try:
            image = guest.machine.image()
        except Trapped as trap:
            raise guest.broken(trap) from None
        return cls(image=image, known=frozenset(guest.known), has_run=has_run)

    def enter(self, guest: Guest) -> None:
        """Give a guest a machine in this state.

        Raises:
            JsLimitExceeded: there is no memory for another.
        """
        machine, self._spare = self._spare, None
        if machine is None:
            machine = Machine(guest)
            try:
                machine.lay(self.image)
            except Trapped as trap:
                raise guest.broken(trap) from None
        else:
            machine.caller = guest
            machine.relay(self.image)
        guest.machine = machine
        guest.known = set(self.known)

    def leave(self, guest: Guest) -> None:
        """Take back the machine of a guest whose call has ended.

        One whose memory has grown is dropped: a machine cannot give memory back.
        """
        machine = guest.machine
        del guest.machine
        machine.caller = _NOBODY
        if machine.is_sound and machine.memory_bytes == self.image.memory_bytes:
            self._spare = machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How calls of one module's functions begin.

    Attributes:
        bare: the world without any module.
        library: whose module it is; anything that stands for its sources.
        name: the module's, as the engine has it.
        source: its own.
        loading: bounds the modules' bodies.
        limits: bounds what comes after.
    """

    bare: World
    library: Hashable
    name: str
    source: str
    loading: JsLimits
    limits: JsLimits
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Take its hash, which is asked for with every call."""
        parts = self.bare, self.library, self.name, self.loading, self.limits
        object.__setattr__(self, "_hash", hash(parts))

    def __hash__(self) -> int:
        """Give the hash."""
        return self._hash

    def compile(self, guest: Guest) -> None:
        """Give a guest a world in which the module is known, but has not run."""
        self.bare.enter(guest)
        guest.compile(self.name, self.source)
        guest.restrict(self.loading)

    def load(self, guest: Guest) -> None:
        """Run the module's body."""
        guest.begin(self.loading)
        guest.load(self.name)
        guest.restrict(self.limits)


class Worlds:
    """Those used last, up to a number of bytes."""

    def __init__(self) -> None:
        self._worlds: OrderedDict[Hashable, World] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        """Count them."""
        return len(self._worlds)

    def get(self, key: Hashable) -> World | None:
        """Give one, as the one used last."""
        world = self._worlds.get(key)
        if world is not None:
            self._worlds.move_to_end(key)
        return world

    def put(self, key: Hashable, world: World) -> None:
        """Keep one, unless it is too large; drop those not used for longest."""
        if _size(world) > JS_IMAGE_BYTES_MAX:
            return
        self._worlds[key] = world
        self._bytes += _size(world)
        while self._bytes > JS_IMAGES_BYTES_MAX:
            _, oldest = self._worlds.popitem(last=False)
            self._bytes -= _size(oldest)

    def enter(self, guest: Guest, start: Start) -> World:
        """Give a guest a world in which a module is loaded, and let its time begin.

        Returns:
            The world to leave after the call.

        Raises:
            JsException: a module's body threw or was stopped.
            JsModuleFailed: a module is missing or does not compile.
        """
        world = self.get(start)
        if world is None:
            world = self._make(guest, start)
        else:
            world.enter(guest)
            if not world.has_run:
                start.load(guest)
        guest.begin(start.limits)
        return world

    def _make(self, guest: Guest, start: Start) -> World:
        """Load a module for the first time, and keep what can be kept of it."""
        start.compile(guest)
        start.load(guest)
        if not guest.has_asked:
            world = World.of(guest, has_run=True)
        else:
            other = guest.silent()
            start.compile(other)
            world = World.of(other, has_run=False)
        self.put(start, world)
        return world


def _size(world: World) -> int:
    return world.image.size


class _Nobody:
    """Serves a machine that has no guest, and is asked nothing."""

    def host_call(self, _row: bytes) -> bytes:
        return UNDEFINED

    def module_source(self, _row: bytes) -> bytes:
        return UNDEFINED

    def is_over(self) -> bool:
        return False


_NOBODY: Final = _Nobody()
