"""The tables read everything that CCF's own ledgers hold."""

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ccfpy.kv.maps import UNIT, Map, Set, Value
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.entry import Transaction
from ccfpy.service import tables

NOT_SORTED_OR_OLDER = frozenset(
    {
        # constitutions write these, in JavaScript's own order
        "public:ccf.gov.endpoints",
        "public:ccf.gov.jwt.issuers",
        # older versions wrote fields that are gone, or left out some that came
        "public:ccf.gov.nodes.info",
        "public:ccf.gov.service.config",
        "public:ccf.internal.signatures",
    }
)


def known_tables() -> dict[str, "Map[object, object] | Value[object] | Set[object]"]:
    found = {}
    for module in pkgutil.iter_modules(tables.__path__):
        contents = importlib.import_module(f"{tables.__name__}.{module.name}")
        for table in vars(contents).values():
            if isinstance(table, Map | Value | Set):
                found[table.name] = table
    return found


def recorded_writes(service: Path) -> Iterator[tuple[str, bytes, bytes | None]]:
    for file in sorted((service / "ledger").iterdir()):
        chunk = Chunk.parse(ChunkName.parse(file.name), file.read_bytes())
        for _, _, entry in chunk.entries():
            for name, writes in Transaction.parse(entry).domain.write_set.items():
                for key, value in writes.items():
                    yield name, key, value


def rewritten(
    table: "Map[object, object] | Value[object] | Set[object]",
    key: bytes,
    value: bytes | None,
) -> tuple[bytes, bytes | None]:
    match table:
        case Value():
            codec = table.codec
            return UNIT, None if value is None else codec.encode(codec.decode(value))
        case Set():
            codec = table.key_codec
            unit = None if value is None else UNIT
            return codec.encode(codec.decode(key)), unit
        case Map():
            keys, values = table.key_codec, table.value_codec
            again = keys.encode(keys.decode(key))
            return again, None if value is None else values.encode(values.decode(value))


def test_what_ccf_recorded_is_read_and_written_back_byte_for_byte(
    ccf_services: Path,
) -> None:
    known = known_tables()
    same: Counter[str] = Counter()
    different: set[str] = set()
    for service in sorted(ccf_services.iterdir()):
        if not service.is_dir():
            continue
        for name, key, value in recorded_writes(service):
            if name in known:
                if rewritten(known[name], key, value) == (key, value):
                    same[name] += 1
                else:
                    different.add(name)
    assert different <= NOT_SORTED_OR_OLDER
    assert len(same) > 30
    assert same["public:ccf.gov.proposals_info"] > 100


def test_the_newest_service_is_written_back_wholly_but_for_its_constitution(
    ccf_services: Path,
) -> None:
    known = known_tables()
    different = {
        name
        for name, key, value in recorded_writes(ccf_services / "cose_flipflop_service")
        if name in known and rewritten(known[name], key, value) != (key, value)
    }
    assert different <= {"public:ccf.gov.endpoints", "public:ccf.gov.jwt.issuers"}
