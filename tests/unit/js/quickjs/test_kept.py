"""The compiled engine kept for later processes: whole and of this source, or none."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.enclave.measuring import _UNMEASURED
from ccfpy.js.quickjs import compiled

SOURCE, COMPILED = b"a source", b"native code"


@given(st.binary(), st.binary())
def test_what_was_packed_is_unpacked(source: bytes, code: bytes) -> None:
    assert compiled.unpack(source, compiled.pack(source, code)) == code


@given(st.data())
def test_with_any_byte_changed_it_is_not_used(data: st.DataObject) -> None:
    packed = bytearray(compiled.pack(SOURCE, COMPILED))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    assert compiled.unpack(SOURCE, bytes(packed)) is None


@given(st.integers(0, len(compiled.pack(SOURCE, COMPILED)) - 1))
def test_cut_anywhere_it_is_not_used(length: int) -> None:
    assert compiled.unpack(SOURCE, compiled.pack(SOURCE, COMPILED)[:length]) is None


def test_of_another_source_it_is_not_used() -> None:
    assert compiled.unpack(b"another source", compiled.pack(SOURCE, COMPILED)) is None


def test_it_lies_where_python_keeps_what_it_compiles() -> None:
    """So it is no part of what is measured, and of no wheel."""
    folder, name = PurePosixPath(compiled.FILE).parts
    assert folder in _UNMEASURED
    assert not name.endswith(".pyc")


def test_where_no_process_kept_one_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(compiled, "FILE", "__pycache__/of nobody")
    assert compiled.read(SOURCE) is None
