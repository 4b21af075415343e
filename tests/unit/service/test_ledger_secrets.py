"""A new ledger secret reaches the trusted nodes, under the key of each."""

from collections.abc import Callable

import pytest

from ccfpy.base.ids import NodeId
from ccfpy.base.ports import Entropy
from ccfpy.base.vocabulary import NodeStatus, ServiceStatus
from ccfpy.kv.store import Store
from ccfpy.kv.tx import Tx
from ccfpy.ledger.secrets import LedgerSecrets
from ccfpy.service import shares
from ccfpy.service.records import Refused
from ccfpy.service.tables import nodes, recovery, service
from ccfpy.service.tables.nodes import NetInterface, NodeInfo, QuoteFormat, QuoteInfo
from ccfpy.service.tables.service import ServiceInfo
from tests.unit.service.conftest import PARTICIPANT, Person, hand_in


def test_a_rekey_reaches_trusted_nodes_and_chains_to_the_old_secret(
    store: Store,
    tx: Tx,
    people: tuple[Person, ...],
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
) -> None:
    consortium(PARTICIPANT, threshold=1)
    shares.issue(tx, secrets, entropy)
    node_key = people[3].encryption
    for name, status in (("a", NodeStatus.TRUSTED), ("b", NodeStatus.PENDING)):
        nodes.INFO.of(tx).put(
            NodeId(name),
            NodeInfo(
                node_to_node_interface=NetInterface(bind_address="h:1"),
                quote_info=QuoteInfo(
                    format=QuoteFormat.INSECURE_VIRTUAL, quote=b"", endorsements=b""
                ),
                encryption_pub_key=node_key.public_key.pem,
                status=status,
            ),
        )
    store.commit(tx)
    tx = store.begin()
    shares.rekey(tx, secrets, entropy)
    sent = recovery.ENCRYPTED_LEDGER_SECRETS.of(tx).get()
    assert sent is not None
    assert set(sent) == {"a"}
    fresh = node_key.unwrap(sent[NodeId("a")][0].encrypted_secret)
    record = recovery.PAST_SECRETS.of(tx).get()
    assert record is not None
    assert record.next_version is None
    assert record.previous is not None
    assert record.previous.version == 1
    assert record.previous.previous_stored == 1
    hand_in(tx, people[0], secrets, entropy)
    assert shares.combine(tx, secrets.latest[1]).raw == fresh
    assert fresh != secrets.latest[1].raw


@pytest.mark.parametrize(
    "status", [status for status in ServiceStatus if status is not ServiceStatus.OPEN]
)
def test_only_an_open_service_begins_a_new_secret(
    tx: Tx,
    consortium: Callable[..., None],
    secrets: LedgerSecrets,
    entropy: Entropy,
    status: ServiceStatus,
) -> None:
    with pytest.raises(Refused, match="service is not open"):
        shares.rekey(tx, secrets, entropy)
    consortium(PARTICIPANT, threshold=1)
    service.INFO.of(tx).put(ServiceInfo(cert="CERT", status=status))
    with pytest.raises(Refused, match="service is not open"):
        shares.rekey(tx, secrets, entropy)
