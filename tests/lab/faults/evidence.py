"""What the nodes' files say after a run.

Every ledger must verify, also those of dead nodes; committed files of two nodes must be
the same, byte for byte; no IV may have served twice. The committed writes are read from
the longest ledger.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ccfpy.audit.auditor import ChunkFile, Damage, Summary, audit
from ccfpy.audit.chunks import arrange
from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import TxId
from ccfpy.base.json import loads_object
from ccfpy.crypto.hashing import sha256
from ccfpy.ledger.chunk import Chunk, ChunkName, is_chunk_name
from ccfpy.ledger.entry import Transaction
from ccfpy.local.node import NodeProcess
from tests.lab.consistency.history import InLedger
from tests.lab.consistency.ledgers import Ivs

WRITES_TABLE = "public:writes"


class EvidenceDiffers(CcfpyError):
    """A ledger does not verify, or two of them differ where they must not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the files said.

    Attributes:
        last_signed: the last signature of the longest ledger.
        writes: the committed writes, in the ledger's order.
        chunks: committed files that were compared.
        copies: how often the same committed file was found.
    """

    last_signed: TxId
    writes: Sequence[InLedger]
    chunks: int
    copies: int


def gather_evidence(nodes: Iterable[NodeProcess], ivs: Ivs) -> Evidence:
    """Read all nodes' ledgers after they have stopped.

    Args:
        nodes: all, dead ones included.
        ivs: what was seen while they ran; every entry is added.

    Raises:
        EvidenceDiffers: a ledger does not verify, or two ledgers differ.
        Inconsistent: an IV served twice.
    """
    folders = [node.ledger for node in nodes if node.ledger.is_dir()]
    committed, copies = compare_files(folders)
    longest: tuple[TxId, Sequence[Path]] | None = None
    for folder in folders:
        _add_ivs(ivs, folder)
        files = whole_ledger(folder, committed)
        if not files:
            continue
        signed = verify_ledger(folder, files)
        if signed is not None and (longest is None or signed > longest[0]):
            longest = signed, files
    if longest is None:
        raise EvidenceDiffers("no node has a signed ledger")
    last_signed, files = longest
    return Evidence(
        last_signed=last_signed,
        writes=list(_writes(files, last_signed)),
        chunks=len(committed),
        copies=copies,
    )


def watch_entries(nodes: Iterable[NodeProcess], ivs: Ivs) -> None:
    """Read what nodes are writing now, before a rollback removes some of it.

    Raises:
        Inconsistent: an IV served twice.
    """
    for node in nodes:
        for path in _chunk_paths(node.ledger):
            if ChunkName.parse(path.name).is_open:
                try:
                    ivs.add_chunk(path.name, path.read_bytes(), where=str(path))
                except (FileNotFoundError, Malformed):
                    continue  # closed, renamed or being cut while we looked


def _chunk_paths(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if is_chunk_name(p.name))
    except FileNotFoundError:
        return []


def _add_ivs(ivs: Ivs, folder: Path) -> None:
    for path in _chunk_paths(folder):
        ivs.add_chunk(path.name, path.read_bytes(), where=str(path))


def compare_files(folders: Sequence[Path]) -> tuple[Mapping[int, Path], int]:
    """Return one copy of every committed file, by its first seqno; count the others.

    Raises:
        EvidenceDiffers: two copies differ, or two files cut the ledger differently.
    """
    found: dict[int, Path] = {}
    copies = 0
    for folder in folders:
        for path in _chunk_paths(folder):
            name = ChunkName.parse(path.name)
            if not name.is_committed:
                continue
            copies += 1
            other = found.setdefault(name.first, path)
            if other.name != path.name:
                raise EvidenceDiffers(f"{other} and {path} cut the ledger differently")
            if sha256(other.read_bytes()) != sha256(path.read_bytes()):
                raise EvidenceDiffers(f"{other} and {path} differ")
    return found, copies


def whole_ledger(folder: Path, committed: Mapping[int, Path]) -> Sequence[Path]:
    """Return a node's files, and before them those that a snapshot spared it."""
    own = [folder / str(name) for name in arrange(p.name for p in _chunk_paths(folder))]
    if not own:
        return []
    first = ChunkName.parse(own[0].name).first
    before = [committed[start] for start in sorted(committed) if start < first]
    return [*before, *own]


def verify_ledger(folder: Path, files: Sequence[Path]) -> TxId | None:
    """Return the last signature.

    Raises:
        EvidenceDiffers: the ledger is damaged.
    """
    signed: TxId | None = None
    chunks = [ChunkFile(path.name, partial(path.read_bytes)) for path in files]
    for finding in audit(chunks):
        if isinstance(finding, Damage):
            raise EvidenceDiffers(
                f"the ledger in {folder} is damaged: {finding.file} at "
                f"{finding.position}: {finding.reason}"
            )
        if isinstance(finding, Summary):
            signed = finding.last_signed
    return signed


def _writes(files: Sequence[Path], last: TxId) -> Iterator[InLedger]:
    """Read the writes up to a signature from the public tables."""
    for path in files:
        chunk = Chunk.parse(ChunkName.parse(path.name), path.read_bytes())
        for seqno, _, data in chunk.entries():
            if seqno > last.seqno:
                return
            transaction = Transaction.parse(data)
            table = transaction.domain.write_set.get(WRITES_TABLE, {})
            for op, value in table.items():
                assert value is not None, "the application removes no write"
                fields = loads_object(value)
                count = fields["count"]
                assert isinstance(count, int), fields
                yield InLedger(
                    txid=transaction.txid,
                    key=str(fields["key"]),
                    op=int(op),
                    count=count,
                )
