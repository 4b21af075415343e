"""Other forms of signed requests verify as the first does: that is the attack."""

import asyncio
from pathlib import Path

import pytest

from ccfpy.client.governance import signed_message
from ccfpy.client.keys import FileSigner, KeyFiles, generate_keys
from ccfpy.client.vocabulary import MessageType
from ccfpy.crypto import cose
from ccfpy.crypto.ec import Curve
from tests.lab.attacks.governance import (
    ATTACKS,
    ORDERS,
    forms,
    mirrored,
    published,
    with_note,
)


@pytest.mark.parametrize("curve", ORDERS)
def test_the_other_form_is_of_the_same_request(tmp_path: Path, curve: Curve) -> None:
    files = KeyFiles(folder=tmp_path, name="member0")
    generate_keys(files, curve=curve, with_encryption_key=False)
    envelope = asyncio.run(
        signed_message(
            FileSigner.load(files), MessageType.PROPOSAL, b"{}", created_at=7
        )
    )
    first, other = cose.parse(envelope), cose.parse(mirrored(envelope, ORDERS[curve]))
    half = len(first.signature) // 2
    assert first.signature[:half] == other.signature[:half]
    assert first.signature[half:] != other.signature[half:]
    assert (first.protected_bytes, first.payload) == (
        other.protected_bytes,
        other.payload,
    )
    assert mirrored(mirrored(envelope, ORDERS[curve]), ORDERS[curve]) == envelope
    assert cose.parse(with_note(envelope)).unprotected == {"note": 1}
    assert len(set(forms(envelope, ORDERS[curve]).values())) == 3


def test_an_empty_folder_has_nothing_published(tmp_path: Path) -> None:
    (tmp_path / "no ledger").write_text("x")
    assert published(tmp_path) == []


def test_there_are_attacks() -> None:
    assert [attack.name for attack in ATTACKS] == ["replay", "acks", "future"]
