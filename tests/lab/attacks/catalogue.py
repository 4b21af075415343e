"""All attacks, and how they are chosen by name."""

from collections.abc import Sequence

from tests.lab.attacks import (
    confinement,
    fairness,
    governance,
    handlers,
    http2,
    joining,
    peers,
    ranges,
    receipts,
    slow_calls,
    tls,
    watches,
)
from tests.lab.attacks.attack import Attack, Family

ATTACKS: Sequence[Attack] = (
    *governance.ATTACKS,
    *tls.ATTACKS,
    *joining.ATTACKS,
    *fairness.ATTACKS,
    *http2.ATTACKS,
    *receipts.ATTACKS,
    *peers.ATTACKS,
    *confinement.ATTACKS,
    *handlers.ATTACKS,
    *ranges.ATTACKS,
    *slow_calls.ATTACKS,
    *watches.ATTACKS,
)


def choose(names: Sequence[str], *, is_quick: bool) -> Sequence[Attack]:
    """Return the attacks of these names or families; all if there are no names.

    Args:
        names: of attacks and families.
        is_quick: whether to leave out those that the short form does not have, unless
            they are named.

    Raises:
        LookupError: there is no such attack.
    """
    known = {*(attack.name for attack in ATTACKS), *Family}
    for name in names:
        if name not in known:
            raise LookupError(f"no attack {name!r}: see --list")
    if not names:
        return [attack for attack in ATTACKS if attack.is_quick or not is_quick]
    return [each for each in ATTACKS if each.name in names or each.family in names]
