"""Recorded ledgers audited from chunks that were read ahead, whole and damaged."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccfpy.audit.auditor import Auditor, ChunkFile, Finding, audit
from ccfpy.audit.chunk_reading import read_chunk
from ccfpy.ledger.chunk import ChunkName
from tests.unit.audit.plain_reading import read_plainly
from tests.vectors.conftest import SERVICES
from tests.vectors.recording import Recording


def read_ahead(files: Sequence[ChunkFile]) -> Iterator[Finding]:
    """Audit chunks read as by processes that know the service by now."""
    auditor = Auditor()
    for file in files:
        service = auditor.trust.service
        services = () if service is None else (service.pem,)
        reading = read_chunk(ChunkName.parse(file.name), file.read(), services)
        yield from auditor.read(file, reading)
        if auditor.is_damaged:
            break
    yield from auditor.finish()


def test_chunks_of_every_version_are_read_as_plainly(recording: Recording) -> None:
    for chunk in recording.chunks:
        expected = read_plainly(chunk.name, chunk.data)
        assert read_chunk(chunk.name, chunk.data) == expected
        assert expected.fault is None


def test_chunks_read_ahead_give_the_same_findings(recording: Recording) -> None:
    files = list(recording.files())
    assert list(read_ahead(files)) == list(audit(files))


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_of_any_flipped_bit_they_give_the_same(
    recordings: Callable[[str], Recording], data: st.DataObject
) -> None:
    recording = recordings(data.draw(st.sampled_from(SERVICES)))
    files = list(recording.files())
    at = data.draw(st.integers(0, len(files) - 1))
    changed = bytearray(recording.chunks[at].data)
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(
        st.integers(0, 7)
    )
    files[at] = ChunkFile(files[at].name, partial(bytes, changed))
    assert list(read_ahead(files)) == list(audit(files))
    name = ChunkName.parse(files[at].name)
    assert read_chunk(name, bytes(changed)) == read_plainly(name, bytes(changed))
