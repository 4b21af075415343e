"""Each transaction is about something, and each of a service's tables says what."""

import importlib
import pkgutil

import pytest

from ccfpy.console.kinds import ENCRYPTED, OF_APP, WORDS, kind_of
from ccfpy.kv.maps import Map, Set, Value
from ccfpy.service import tables

GOV = "public:ccf.gov"


def test_every_table_of_a_service_has_a_word() -> None:
    names = set()
    for module in pkgutil.iter_modules(tables.__path__):
        members = vars(importlib.import_module(f"{tables.__name__}.{module.name}"))
        names |= {
            table.name
            for table in members.values()
            if isinstance(table, Map | Value | Set)
        }
    assert names == WORDS.keys()


@pytest.mark.parametrize(
    ("tables", "info", "kind"),
    [
        (["proposals", "proposals_info", "cose_history"], b"", "proposal"),
        (["proposals_info"], b'{"state": "Open"}', "vote"),
        (["proposals_info"], b'{"state": "Withdrawn"}', "withdrawal"),
        (["proposals_info"], b"no JSON", "vote"),
        (["modules", "endpoints", "proposals_info"], b"{}", "vote, app"),
        (["members.acks", "members.info"], b"", "acknowledged, members"),
        (["service.info"], b"", "service"),
        (["service.info", "constitution", "nodes.info"], b"", "service created"),
    ],
)
def test_the_tables_say_what_a_transaction_is_about(
    tables: list[str], info: bytes, kind: str
) -> None:
    written = dict.fromkeys((f"{GOV}.{name}" for name in tables), True)
    assert kind_of(written, infos=[info], has_private=True) == kind


def test_what_was_tidied_says_nothing_beside_what_was_written() -> None:
    """A vote that decides removes the bodies of proposals that were closed before."""
    written = {f"{GOV}.proposals": False, f"{GOV}.proposals_info": True}
    assert kind_of(written, infos=[b"{}"], has_private=False) == "vote"
    alone = {f"{GOV}.users.certs": False}
    assert kind_of(alone, infos=[], has_private=False) == "users"


@pytest.mark.parametrize(
    ("written", "has_private", "kind"),
    [
        ({"public:accounts": True}, True, OF_APP),
        ({}, True, ENCRYPTED),
        ({}, False, ""),
        ({"public:ccf.internal.signatures": True}, False, "signature"),
    ],
)
def test_what_an_app_wrote_is_told_from_what_nobody_wrote(
    written: dict[str, bool], has_private: bool, kind: str
) -> None:
    assert kind_of(written, infos=[], has_private=has_private) == kind
