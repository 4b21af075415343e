"""Write sets as bytes: our own, damaged ones, and those that CCF recorded."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.base.codec import buf, u64
from ccfpy.base.errors import Malformed
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.codec import (
    EntryType,
    _parse_any_maps,
    parse_one_write,
    parse_private,
    parse_public,
)
from ccfpy.kv.names import is_public
from tests.unit.kv.plain_domains import serialise

CLAIMS, EVIDENCE = bytes(range(32)), bytes(range(32, 64))

NAMES = st.text(max_size=5) | st.text(max_size=5).map("public:".__add__)
WRITES = st.dictionaries(
    st.binary(max_size=6), st.none() | st.binary(max_size=6), min_size=1, max_size=5
)
WRITE_SETS = st.dictionaries(NAMES, WRITES, max_size=4)


def public(write_set: WriteSet, version: int = 5) -> bytes:
    return serialise(
        write_set,
        version=version,
        claims_digest=CLAIMS,
        commit_evidence_digest=EVIDENCE,
    )[0]


def private_of(write_set: WriteSet) -> bytes:
    return serialise(
        write_set, version=5, claims_digest=CLAIMS, commit_evidence_digest=EVIDENCE
    )[1]


HEADER = b"\x04" + u64(5) + CLAIMS + EVIDENCE + u64(0)


def test_a_public_domain_is_laid_out_as_ccf_does() -> None:
    write_set: WriteSet = {
        "public:b": {b"z": b"1", b"a": b"22", b"gone": None, b"absent": None},
        "private": {b"k": b"v"},
        "public:a": {b"": b""},
    }
    assert public(write_set) == b"".join(
        (
            HEADER,
            *(buf(b"public:a"), u64(0), u64(0)),
            *(u64(1), buf(b""), buf(b""), u64(0)),
            *(buf(b"public:b"), u64(0), u64(0)),
            *(u64(2), buf(b"a"), buf(b"22"), buf(b"z"), buf(b"1")),
            *(u64(2), buf(b"absent"), buf(b"gone")),
        )
    )
    assert private_of(write_set) == b"".join(
        (buf(b"private"), u64(0), u64(0), u64(1), buf(b"k"), buf(b"v"), u64(0))
    )


def test_a_private_transaction_still_has_a_public_header() -> None:
    assert public({"private": {b"k": b"v"}}) == HEADER
    assert private_of({"public:m": {b"k": b"v"}}) == b""


def test_digests_have_32_bytes() -> None:
    with pytest.raises(AssertionError):
        serialise(
            {}, version=1, claims_digest=b"short", commit_evidence_digest=EVIDENCE
        )


@pytest.mark.slow
@given(WRITE_SETS, st.integers(0, 2**64 - 1))
def test_what_is_written_is_read_back(write_set: WriteSet, version: int) -> None:
    domain = parse_public(public(write_set, version))
    assert domain.entry_type is EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS
    assert domain.version == version
    assert domain.claims_digest == CLAIMS
    assert domain.commit_evidence_digest == EVIDENCE
    assert domain.max_conflict_version == 0
    private = parse_private(private_of(write_set))
    assert {**domain.write_set, **private} == write_set
    for part in (domain.write_set, private):
        assert list(part) == sorted(part)
    assert all(map(is_public, domain.write_set))
    assert not any(map(is_public, private))


@given(WRITE_SETS)
def test_the_order_of_writing_does_not_show(write_set: WriteSet) -> None:
    reordered = {
        name: dict(sorted(write_set[name].items(), reverse=True))
        for name in sorted(write_set, reverse=True)
    }
    assert public(write_set) == public(reordered)
    assert private_of(write_set) == private_of(reordered)


@given(WRITE_SETS, st.data())
def test_a_shortened_domain_is_malformed_or_has_fewer_maps(
    write_set: WriteSet, data: st.DataObject
) -> None:
    whole = public(write_set)
    part = whole[: data.draw(st.integers(0, len(whole) - 1))]
    try:
        domain = parse_public(part)
    except Malformed:
        return
    assert public(domain.write_set) == part
    assert len(domain.write_set) < len(write_set)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    for parse in (parse_public, parse_private):
        with suppress(Malformed):
            parse(data)


ONE_WRITE = st.builds(
    lambda name, key, value: {name: {key: value}},
    NAMES,
    st.binary(max_size=6),
    st.binary(max_size=6),
)
"""What most transactions write to one domain."""


@given(write_set=ONE_WRITE, as_public=st.booleans())
def test_one_write_is_read_the_short_way(
    write_set: WriteSet, *, as_public: bool
) -> None:
    (name,) = write_set
    data = public(write_set)[len(HEADER) :] + private_of(write_set)
    short = parse_one_write(data, 0, public=as_public)
    assert short == (write_set if is_public(name) is as_public else None)


@given(write_set=WRITE_SETS | ONE_WRITE, as_public=st.booleans(), data=st.data())
def test_the_short_way_of_reading_gives_what_the_long_one_does_or_nothing(
    write_set: WriteSet, *, as_public: bool, data: st.DataObject
) -> None:
    domain = bytearray(
        public(write_set)[len(HEADER) :] if as_public else private_of(write_set)
    )
    for _ in range(data.draw(st.integers(0, 2)) if domain else 0):
        at = data.draw(st.integers(0, len(domain) - 1))
        domain[at] = data.draw(st.integers(0, 255))
    size = data.draw(st.sampled_from([len(domain), len(domain) // 2]))
    cut = bytes(domain[:size]) + data.draw(st.just(b"") | st.binary(max_size=9))
    short = parse_one_write(cut, 0, public=as_public)
    if short is not None:
        assert short == _parse_any_maps(cut, 0, public=as_public)


@pytest.mark.parametrize(
    ("entry_type", "digests"),
    [
        (EntryType.WRITE_SET, b""),
        (EntryType.WRITE_SET_WITH_CLAIMS, CLAIMS),
        (EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE, EVIDENCE),
    ],
)
def test_older_types_are_read(entry_type: EntryType, digests: bytes) -> None:
    block = (
        *(buf(b"public:m"), u64(3), u64(1), buf(b"read"), u64(2)),
        *(u64(1), buf(b"k"), buf(b"v"), u64(0)),
    )
    data = b"".join((bytes((entry_type,)), u64(9), digests, u64(7), *block))
    domain = parse_public(data)
    assert domain.entry_type is entry_type
    assert domain.version == 9
    assert domain.claims_digest == (CLAIMS if digests == CLAIMS else None)
    assert domain.commit_evidence_digest == (EVIDENCE if digests == EVIDENCE else None)
    assert domain.max_conflict_version == 7
    assert domain.write_set == {"public:m": {b"k": b"v"}}


BLOCK = buf(b"public:m") + u64(0) + u64(0)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "found nothing"),
        (b"\x05" + HEADER[1:], "unknown entry type 5"),
        (b"\x01" + HEADER[1:], "found a snapshot"),
        (HEADER[:20], "expected 32 bytes at 9"),
        (HEADER + BLOCK, "cut short"),
        (HEADER + 2 * (BLOCK + u64(0) + u64(0)), "second time"),
        (HEADER + buf(b"private") + bytes(32), "wrong domain"),
        (HEADER + buf(b"\xff") + bytes(32), "not UTF-8"),
        (HEADER + BLOCK + u64(0) + u64(2) + 2 * buf(b"k"), "a key appears twice"),
        (
            HEADER + BLOCK + u64(1) + buf(b"k") + buf(b"v") + u64(1) + buf(b"k"),
            "a key appears twice",
        ),
        (HEADER + BLOCK + u64(2**63), "cut short"),
    ],
)
def test_what_is_wrong_is_told(data: bytes, message: str) -> None:
    with pytest.raises(Malformed, match=message):
        parse_public(data)


def test_errors_do_not_repeat_content() -> None:
    secret = "canary"
    twice = 2 * (buf(secret.encode()) + bytes(32))
    with pytest.raises(Malformed) as caught:
        parse_private(twice)
    assert secret not in str(caught.value)


def recorded_public_domains(services: Path) -> Iterator[bytes]:
    """Cut the public domains out of every recorded ledger file."""
    for path in sorted(services.glob("*/ledger/ledger_*")):
        data = path.read_bytes()
        end = int.from_bytes(data[:8], "little") or len(data)
        position = 8
        while position < end:
            size = int.from_bytes(data[position + 2 : position + 8], "little")
            length = int.from_bytes(data[position + 36 : position + 44], "little")
            yield data[position + 44 : position + 44 + length]
            position += 8 + size


def test_recorded_ledgers_are_read_and_written_to_the_byte(ccf_services: Path) -> None:
    types: Counter[EntryType] = Counter()
    for data in recorded_public_domains(ccf_services):
        domain = parse_public(data)
        types[domain.entry_type] += 1
        if domain.claims_digest and domain.commit_evidence_digest:
            again = serialise(
                domain.write_set,
                version=domain.version,
                claims_digest=domain.claims_digest,
                commit_evidence_digest=domain.commit_evidence_digest,
            )
            assert again[0] == data
    assert types == {
        EntryType.WRITE_SET: 72,
        EntryType.WRITE_SET_WITH_COMMIT_EVIDENCE_AND_CLAIMS: 627,
    }
