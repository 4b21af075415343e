"""The compiled engine kept for later processes: whole and of this source, or none."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.enclave.measuring import _UNMEASURED
from ccfpy.js.quickjs import kept

SOURCE, COMPILED = b"a source", b"native code"


@given(st.binary(), st.binary())
def test_what_was_packed_is_unpacked(source: bytes, compiled: bytes) -> None:
    assert kept.unpack(source, kept.pack(source, compiled)) == compiled


@given(st.data())
def test_with_any_byte_changed_it_is_not_used(data: st.DataObject) -> None:
    packed = bytearray(kept.pack(SOURCE, COMPILED))
    place = data.draw(st.integers(0, len(packed) - 1))
    packed[place] ^= data.draw(st.integers(1, 255))
    assert kept.unpack(SOURCE, bytes(packed)) is None


@given(st.integers(0, len(kept.pack(SOURCE, COMPILED)) - 1))
def test_cut_anywhere_it_is_not_used(length: int) -> None:
    assert kept.unpack(SOURCE, kept.pack(SOURCE, COMPILED)[:length]) is None


def test_of_another_source_it_is_not_used() -> None:
    assert kept.unpack(b"another source", kept.pack(SOURCE, COMPILED)) is None


def test_it_lies_where_python_keeps_what_it_compiles() -> None:
    """So it is no part of what is measured, and of no wheel."""
    folder, name = PurePosixPath(kept.FILE).parts
    assert folder in _UNMEASURED
    assert not name.endswith(".pyc")


def test_where_no_process_kept_one_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept, "FILE", "__pycache__/of nobody")
    assert kept.read(SOURCE) is None
