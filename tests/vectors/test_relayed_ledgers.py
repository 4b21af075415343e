"""Recorded ledgers audited by extracts of their chunks, whole and damaged."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccfpy.ledger.audit import ChunkFile, Finding, audit
from ccfpy.ledger.extract import extract
from ccfpy.ledger.relay import Relay
from tests.vectors.conftest import SERVICES
from tests.vectors.recording import Recording


def relayed(files: Sequence[ChunkFile]) -> Iterator[Finding]:
    """Audit by extracts, made as by readers that know the service by now."""
    relay = Relay()
    for file in files:
        services = () if relay.service is None else (relay.service,)
        yield from relay.read(file, extract(file.name, file.read(), services))
        if relay.is_damaged:
            break
    yield from relay.finish()


def test_every_complete_chunk_gives_an_extract(recording: Recording) -> None:
    """Chunks of all versions of CCF, not only those like ours, are read apart."""
    for chunk in recording.chunks:
        found = extract(str(chunk.name), chunk.data)
        assert (found is not None) is chunk.is_complete


def test_extracts_say_what_the_plain_auditor_says(recording: Recording) -> None:
    files = list(recording.files())
    assert list(relayed(files)) == list(audit(files))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.data())
def test_of_any_flipped_bit_they_say_the_same(
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
    assert list(relayed(files)) == list(audit(files))
