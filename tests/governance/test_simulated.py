"""What members may decide of simulated enclaves, and that nodes read it so."""

from typing import Any

import pytest

from ccfpy.attestation.simulated import TcbStatus
from ccfpy.base.json import Json, JsonObject
from ccfpy.client import share
from ccfpy.js.quickjs import QuickJs
from ccfpy.kv.maps import Map
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import (
    SimulatedProduct,
    SimulatedRules,
    TrustedSimulatedVendor,
)
from tests.governance.conftest import GOV, Service
from tests.governance.proposals import CERT, CERT_ID, DROPPED, OPEN, act, dumps

ID, OTHER = "ab" * 32, "cd" * 32


@pytest.fixture
def service(engine: QuickJs) -> Service:
    source = "\n".join(it.read_text() for it in share.constitution("simulated"))
    service = Service(engine, source)
    return service.put(f"{GOV}proposals_info", "other", OPEN)


def done(service: Service, action: JsonObject) -> dict[str, dict[str, str | None]]:
    """Apply an action; give what it wrote besides dropping other proposals."""
    assert service.validate(action) == {"valid": True, "description": ""}
    written = service.apply(action)
    dropped = written.pop("proposals_info")
    assert {"proposals_info": dropped} == DROPPED
    for table, rows in written.items():
        for key, text in rows.items():
            if text is not None:
                service.put(f"{GOV}{table}", key.encode(), text)
    return written


def row(table: Map[str, Any], written: dict[str, dict[str, str | None]]) -> object:
    """Read the one row that was written as a node reads it."""
    ((text,),) = (rows.values() for rows in written.values())
    assert list(written) == [table.name.removeprefix(GOV)]
    return None if text is None else table.value_codec.decode(text.encode())


def test_code_may_be_allowed_by_its_unique_id(service: Service) -> None:
    table = "nodes.simulated.unique_ids"
    added = done(service, act("add_simulated_unique_id", unique_id=ID))
    assert added == {table: {ID: '"AllowedToJoin"'}}
    removed = done(service, act("remove_simulated_unique_id", unique_id=ID))
    assert removed == {table: {ID: None}}


def signer(product: int, version: int) -> JsonObject:
    return act(
        "set_simulated_signer",
        signer_id=ID,
        product_id=product,
        security_version=version,
    )


def test_each_product_of_a_signer_has_its_least_version(service: Service) -> None:
    table = join_policy.SIMULATED_SIGNERS
    least = [SimulatedProduct(security_version=version) for version in range(4)]
    assert row(table, done(service, signer(1, 2))) == {"1": least[2]}
    both = {"1": least[2], "7": least[0]}
    assert row(table, done(service, signer(7, 0))) == both
    assert row(table, done(service, signer(1, 3))) == {**both, "1": least[3]}
    one = act("remove_simulated_signer", signer_id=ID, product_id=1)
    assert row(table, done(service, one)) == {"7": least[0]}
    last = act("remove_simulated_signer", signer_id=ID, product_id=7)
    assert row(table, done(service, last)) is None


def test_all_of_a_signer_may_be_removed_at_once(service: Service) -> None:
    done(service, signer(1, 2))
    done(service, signer(7, 2))
    gone = done(service, act("remove_simulated_signer", signer_id=ID))
    assert gone == {"nodes.simulated.signers": {ID: None}}


def test_hosts_may_be_allowed(service: Service) -> None:
    table = "nodes.simulated.host_data"
    added = done(service, act("add_simulated_host_data", host_data=ID))
    assert added == {table: {ID: "\0" * 8}}
    removed = done(service, act("remove_simulated_host_data", host_data=ID))
    assert removed == {table: {ID: None}}


@pytest.mark.parametrize(
    "statements", [{}, {"tcb_info": "AA==", "revocations": "AQ=="}]
)
def test_a_vendor_is_known_by_its_certificate(
    service: Service, statements: dict[str, Json]
) -> None:
    written = done(service, act("set_simulated_vendor", certificate=CERT, **statements))
    assert row(join_policy.SIMULATED_VENDORS, written) == TrustedSimulatedVendor(
        certificate=CERT,
        tcb_info=b"\0" if statements else None,
        revocations=b"\1" if statements else None,
    )
    assert list(written["nodes.simulated.vendors"]) == [CERT_ID]
    gone = done(service, act("remove_simulated_vendor", vendor_id=CERT_ID))
    assert gone == {"nodes.simulated.vendors": {CERT_ID: None}}


def test_the_rules_are_set_as_a_whole(service: Service) -> None:
    rules = {"tcb_statuses": ["UpToDate", "OutOfDate"], "accepts_debug": True}
    written = done(service, act("set_simulated_rules", **rules))
    assert written == {"nodes.simulated.rules": {"0": dumps(rules)}}
    assert join_policy.SIMULATED_RULES.codec.decode(dumps(rules).encode()) == (
        SimulatedRules(
            tcb_statuses=(TcbStatus.UP_TO_DATE, TcbStatus.OUT_OF_DATE),
            accepts_debug=True,
        )
    )


def test_every_status_can_be_named(service: Service) -> None:
    statuses = [status.value for status in TcbStatus]
    done(
        service, act("set_simulated_rules", tcb_statuses=statuses, accepts_debug=False)
    )


REFUSED: list[tuple[JsonObject, str]] = [
    ({"name": "add_simulated_unique_id"}, "unique_id must be of type string"),
    (act("add_simulated_unique_id", unique_id="AB" * 32), "must be a lowercase hex"),
    (act("add_simulated_unique_id", unique_id="ab"), "convert to exactly 32 bytes"),
    (act("remove_simulated_unique_id", unique_id=1), "must be of type string"),
    (act("set_simulated_signer", signer_id=ID), "product_id must be an integer"),
    (signer(-1, 0), "product_id must be greater than 0"),
    (signer(65536, 0), "product_id must be lower than 65535"),
    (signer(0, 65536), "security_version must be lower than 65535"),
    (act("remove_simulated_signer"), "signer_id must be of type string"),
    (act("remove_simulated_signer", signer_id=ID, product_id="1"), "an integer"),
    (act("add_simulated_host_data", host_data="zz" * 32), "Non-hex character"),
    (act("remove_simulated_host_data", host_data=None), "must be of type string"),
    (act("set_simulated_vendor", certificate="x"), "must be a valid X509"),
    (act("set_simulated_vendor", certificate=CERT, tcb_info=1), "tcb_info must be"),
    (act("set_simulated_vendor", certificate=CERT, revocations=1), "revocations must"),
    (act("remove_simulated_vendor", vendor_id="ab"), "convert to exactly 32 bytes"),
    (act("set_simulated_rules", tcb_statuses="UpToDate"), "must be an array"),
    (
        act("set_simulated_rules", tcb_statuses=["Fine"], accepts_debug=False),
        "tcb_statuses[0] must be one of UpToDate,OutOfDate,Revoked",
    ),
    (act("set_simulated_rules", tcb_statuses=[]), "accepts_debug must be of type"),
]


@pytest.mark.parametrize(("action", "reason"), REFUSED)
def test_what_makes_no_sense_cannot_be_proposed(
    service: Service, action: JsonObject, reason: str
) -> None:
    verdict = service.validate(action)
    assert verdict["valid"] is False
    assert reason in str(verdict["description"])


def test_the_default_constitution_has_none_of_these(engine: QuickJs) -> None:
    source = "\n".join(it.read_text() for it in share.constitution("default"))
    verdict = Service(engine, source).validate(signer(1, 1))
    assert "no such action" in str(verdict["description"])
