"""Reading on in one file: to its last signature, and what is beyond it."""

from pathlib import Path

from ccfpy.audit.auditor import AuditState
from ccfpy.audit.chunks import ChunkPath
from ccfpy.audit.tail import Attempt, Salvaged, Step, key_of
from ccfpy.ledger.chunk import ChunkName
from tests.unit.ledger.made import small_ledger

FILES = {file.name: file.read() for file in small_ledger().files()}
REFUTED: frozenset[tuple[int, bytes]] = frozenset()


def attempt(
    name: str, data: bytes, state: AuditState | None = None, refuted: object = REFUTED
) -> Attempt:
    assert isinstance(refuted, frozenset)
    parsed = ChunkName.parse(name)
    chunk = ChunkPath(name=parsed, path=Path(name), size_bytes=len(data))
    step = Step(state=state)
    return Attempt.make(step, chunk, Salvaged.of(parsed, data), refuted)


def after_first() -> AuditState:
    name = "ledger_1-5.committed"
    found = attempt(name, FILES[name]).next
    assert found is not None
    assert found.state is not None
    return found.state


def test_a_file_leads_to_its_last_signature() -> None:
    found = attempt(
        "ledger_6-8.committed", FILES["ledger_6-8.committed"], after_first()
    )
    assert found.next is not None
    assert str(found.next.last_signed) == "2.8"
    assert [segment.is_whole for segment in found.next.segments()] == [True]


def test_a_file_that_begins_elsewhere_has_an_end_and_no_more() -> None:
    name = "ledger_6-8.committed"
    data = bytearray(FILES[name])
    data[60] ^= 1
    found = attempt(name, bytes(data), after_first())
    assert found.next is None
    assert found.tail is not None
    assert found.tail.damage is not None
    assert found.tail.damage.seqno in (6, 8)


def test_a_signature_whose_own_entry_was_changed_is_refuted_by_the_next() -> None:
    name = "ledger_6-8.committed"
    data = bytearray(FILES[name])
    salvaged = Salvaged.of(ChunkName.parse(name), FILES[name])
    data[salvaged.stop(7) + 10] ^= 1  # in the tag, which the signature does not cover
    step = attempt(name, bytes(data), after_first()).next
    assert step is not None
    following = attempt("ledger_9", FILES["ledger_9"], step.state)
    assert following.next is None
    assert following.is_refuting


def test_a_stored_tree_that_nobody_signed_refutes_nothing() -> None:
    name = "ledger_6-8.committed"
    first = after_first()
    step = attempt(name, FILES[name], first).next
    assert step is not None
    data = bytearray(FILES["ledger_9"])
    data[100] ^= 1
    following = attempt("ledger_9", bytes(data), step.state)
    assert not following.is_refuting


def test_a_signature_that_was_refuted_is_not_reached_again() -> None:
    name = "ledger_1-5.committed"
    state = after_first()
    found = attempt(name, FILES[name], refuted=frozenset((key_of(state),))).next
    assert found is not None
    assert str(found.last_signed) == "2.2"
