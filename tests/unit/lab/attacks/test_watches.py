"""The attack by watches asks for more than is allowed, and ends by itself."""

from apps.etcd.limits import WATCHES_MAX, WATCHES_PER_CALLER_MAX
from ccfpy.base import limits
from tests.lab.attacks import honest, watches
from tests.lab.attacks.attack import App


def test_more_watches_are_asked_for_than_a_user_may_have() -> None:
    asked = (1 + watches.CONNECTIONS * watches.STREAMS) * WATCHES_MAX
    assert asked > 10 * WATCHES_PER_CALLER_MAX
    assert watches.STREAMS < limits.STREAMS_PER_SESSION_MAX
    unbounded = watches.PUTS * WATCHES_PER_CALLER_MAX * len(watches.VALUE)
    assert unbounded > 20 * watches.MEMORY_PEAK_GROWTH_MAX_BYTES


def test_the_honest_client_can_ask_every_application() -> None:
    assert set(honest.WRITES) == set(honest.READS) == set(App)
