"""Whose a file is, by who signed in it."""

from pathlib import Path

from ccfpy.audit.chains import ChainSearch
from ccfpy.audit.inspection import lineage
from ccfpy.audit.repair import all_chunks
from ccfpy.audit.salvage import Salvaged
from ccfpy.audit.signers import Signers
from ccfpy.ledger.chunk import ChunkName
from tests.unit.audit.made import written
from tests.unit.ledger.made import SECOND, MadeLedger, small_ledger


def salvaged(ledger: MadeLedger, at: int) -> Salvaged:
    file = ledger.files()[at]
    return Salvaged.of(ChunkName.parse(file.name), file.read())


def test_a_file_is_its_signers_services(tmp_path: Path) -> None:
    ledger = small_ledger()
    (chain,) = ChainSearch(
        chunks=all_chunks([written(ledger, tmp_path / "a")])
    ).chains()
    signers = Signers.of(lineage(chain), chain)
    assert signers.signed(salvaged(ledger, 1))
    stranger = MadeLedger(identity=SECOND)
    stranger.put(SECOND.create())
    stranger.sign()
    assert not signers.signed(salvaged(stranger, 0))


def test_a_file_without_a_signature_is_nobodys(tmp_path: Path) -> None:
    ledger = small_ledger()
    (chain,) = ChainSearch(
        chunks=all_chunks([written(ledger, tmp_path / "a")])
    ).chains()
    unsigned = MadeLedger()
    unsigned.put({"public:log": {b"1": b"x"}})
    assert not Signers.of(lineage(chain), chain).signed(salvaged(unsigned, 0))
