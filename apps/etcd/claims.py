"""What a writing transaction claims, so that its receipt proves a key's value.

The claim covers what the revision did to each key. An *effect* is the event in
protobuf, without what stood there before. Each effect has a key of its own, made from a
secret of the transaction, and the digest of an effect is under its key: a receipt shows
one effect, and the digests of the others tell nothing. The claims digest is that of all
these digests in the order of keys.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace

from apps.etcd.messages import Event
from apps.etcd.wire import encode
from ccfpy.app import sha256

SECRET_BYTES = 32
_PLACE_BYTES = 4


@dataclass(frozen=True, slots=True)
class Effect:
    """What a revision did to a key.

    Attributes:
        content: the event in protobuf.
        key: under which the content is digested.
    """

    content: bytes
    key: bytes

    @property
    def digest(self) -> bytes:
        """The digest, which shows nothing of the content without the key."""
        return hmac.digest(self.key, self.content, "sha256")


def effects_of(events: Iterable[Event], secret: bytes) -> dict[bytes, Effect]:
    """Return the effect on each key, in the order of keys: the last event counts."""
    last = {_key(event): event for event in events}
    return {
        key: Effect(
            content=encode(replace(last[key], prev_kv=None)),
            key=hmac.digest(secret, place.to_bytes(_PLACE_BYTES, "big"), "sha256"),
        )
        for place, key in enumerate(sorted(last))
    }


def _key(event: Event) -> bytes:
    assert event.kv is not None, "every event is of a key"
    return event.kv.key


def claims_digest(effects: Iterable[Effect]) -> bytes:
    """Return the digest that the transaction claims."""
    return sha256(b"".join(effect.digest for effect in effects))
