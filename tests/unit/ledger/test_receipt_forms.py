"""The forms that a proof is handed out in; `tests/unit/client` reads each back."""

import json
from dataclasses import replace

from ccfpy.ledger.tx_receipt import (
    CONTENT_TYPES,
    ReceiptForm,
    endorsements_json,
    write,
)
from tests.unit.client.test_receipt_forms import PROOF


def test_every_form_has_its_content_type() -> None:
    assert CONTENT_TYPES.keys() == set(ReceiptForm)


def test_endorsements_are_written_where_there_are_any() -> None:
    assert write(PROOF, ReceiptForm.ENDORSEMENTS) is None
    chain = (b"one", b"two")
    written = write(replace(PROOF, cose_endorsements=chain), ReceiptForm.ENDORSEMENTS)
    assert json.loads(written or b"") == endorsements_json(chain)
    assert endorsements_json(chain) == {"endorsements": ["b25l", "dHdv"]}
