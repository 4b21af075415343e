"""Files of a recovery that was given up are known by what is written in them."""

from pathlib import Path

from ccfpy.audit.chains import Chain, ChainSearch, given_up
from ccfpy.audit.discovery import find
from ccfpy.ledger.tables import PREVIOUS_IDENTITY, SINGLE_KEY
from tests.unit.audit.made import written
from tests.unit.ledger.made import SECOND, MadeLedger, recovered_ledger, small_ledger


def chains(ledger: MadeLedger, folder: Path) -> list[Chain]:
    return list(ChainSearch(chunks=find([written(ledger, folder)]).chunks).chains())


def recovering(*, in_a_file_of_its_own: bool) -> MadeLedger:
    ledger = small_ledger()
    ledger.sign(close=in_a_file_of_its_own)
    first = ledger.identity.certificate.pem
    ledger.identity, ledger.view = SECOND, 4
    ledger.put(
        {
            **SECOND.create("Recovering"),
            PREVIOUS_IDENTITY: {SINGLE_KEY: f'"{first}"'.replace("\n", "\\n").encode()},
        }
    )
    ledger.sign()
    ledger.put(SECOND.service_info("WaitingForRecoveryShares"))
    ledger.sign()
    return ledger


def names(ledger: MadeLedger, folder: Path) -> list[str]:
    return sorted(str(chunk.name) for chunk in given_up(chains(ledger, folder)))


def test_a_service_that_opened_gave_up_nothing(tmp_path: Path) -> None:
    assert names(small_ledger(), tmp_path / "a") == []
    assert names(recovered_ledger(), tmp_path / "b") == []


def test_what_one_wrote_that_did_not_is_given(tmp_path: Path) -> None:
    ledger = recovering(in_a_file_of_its_own=True)
    assert names(ledger, tmp_path / "a") == ["ledger_12"]


def test_a_file_with_more_than_that_is_left_in(tmp_path: Path) -> None:
    ledger = recovering(in_a_file_of_its_own=False)
    assert names(ledger, tmp_path / "a") == []
