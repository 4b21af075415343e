"""No layer closes an existing opening: an enclave does not start with one."""

import sys
from pathlib import Path

import pytest

from tests.attacks import attack
from tests.unit.enclave.isolation.processes import told

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux tells of these")

CHECK = """
import mmap, socket
from ccfpy.enclave.isolation import confinement
def check(known=(3,)):
    try:
        confinement.check(known)
    except confinement.NotClosed as refusal:
        return refusal
    return "nothing"
"""

FOREIGN = {
    "a file to write to": ("os.open('{file}', os.O_RDWR)", "{file}"),
    "a file to read": ("os.open('{file}', os.O_RDONLY)", "{file}"),
    "a folder": ("os.open('/', os.O_RDONLY)", "on /:"),
    "a socket": ("socket.socket().detach()", "socket:["),
    "a pipe": ("os.pipe()", "pipe:["),
    "a file in memory": ("os.memfd_create('x')", "memfd:x"),
    "a terminal": ("os.openpty()", "/dev/pt"),
}


@attack("escape: a descriptor that a library left open")
@pytest.mark.parametrize("case", FOREIGN.values(), ids=FOREIGN)
def test_a_descriptor_that_nobody_knows_is_named(
    case: tuple[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "it"
    file.write_bytes(bytes(4096))
    opens, named = (text.format(file=file) for text in case)
    (refusal,) = told(f"{CHECK}held = {opens}\nsay(check())")
    assert refusal.startswith("the enclave cannot be closed while descriptor ")
    assert named in refusal


CLOSE = """
os.closerange(4, 64)  # a mapping keeps a descriptor of its own
"""
MAPPINGS = {
    "writable": "mmap.mmap(fd, 0)",
    "writable later": "mmap.mmap(fd, 0, prot=mmap.PROT_READ)",
}


@attack("escape: a file that a library shares its memory with")
@pytest.mark.parametrize("mapped", MAPPINGS.values(), ids=MAPPINGS)
def test_memory_that_is_shared_with_a_file_is_named(
    mapped: str, tmp_path: Path
) -> None:
    file = tmp_path / "a file"
    file.write_bytes(bytes(4096))
    code = f"fd = os.open({str(file)!r}, os.O_RDWR)\nheld = {mapped}\n"
    (refusal,) = told(f"{CHECK}{code}{CLOSE}say(check())")
    assert refusal.startswith("the enclave cannot be closed while its memory is shared")
    assert str(file) in refusal


HARMLESS = {
    "nothing": "None",
    "the null device": "os.open(os.devnull, os.O_RDWR)",
    "the meter of memory": "os.open('/proc/self/status', os.O_RDONLY)",
    "memory of nobody else": "mmap.mmap(-1, 4096)",
}


def test_a_file_that_can_only_be_read_may_stay_mapped() -> None:
    code = (
        "fd = os.open(os.__file__, os.O_RDONLY)\n"
        "held = mmap.mmap(fd, 0, prot=mmap.PROT_READ)\n"
    )
    assert told(f"{CHECK}{code}{CLOSE}say(check())") == ["nothing"]


@pytest.mark.parametrize("opens", HARMLESS.values(), ids=HARMLESS)
def test_what_leads_nowhere_is_let_be(opens: str) -> None:
    assert told(f"{CHECK}held = {opens}\nsay(check())") == ["nothing"]


def test_a_descriptor_is_known_by_whom_it_belongs_to() -> None:
    code = f"{CHECK}ends = os.pipe()\nsay(check((3, *ends)))\nsay(check((3, ends[0])))"
    known, half = told(code)
    assert known == "nothing"
    assert "pipe:[" in half


def test_another_process_is_not_this_ones_meter() -> None:
    code = f"{CHECK}held = os.open('/proc/1/status', os.O_RDONLY)\nsay(check())"
    (refusal,) = told(code)
    assert "/proc/1/status" in refusal


def test_a_process_is_not_closed_around_what_is_open() -> None:
    code = """
from ccfpy.enclave.isolation import confine, confinement
held = os.open(os.__file__, os.O_RDONLY)
try:
    confine(known=[3])
except confinement.NotClosed as refusal:
    say(refusal)
os.close(held)
confine(known=[3])
say("closed")
"""
    refusal, closed = told(code)
    assert "os.py" in refusal
    assert closed == "closed"
