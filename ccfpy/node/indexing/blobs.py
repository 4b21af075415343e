"""Bytes that the host keeps for this enclave, and cannot read or exchange.

The key is made with the first blob and never leaves the enclave, so blobs of one run
are useless to another run. A blob's name is hidden from the host, and authenticated
with its series and content. No name is used twice within a series. If the host returns
a blob of an earlier series or of another name, the blob does not decrypt
(``src/indexing/enclave_lfs_access.h``).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ccfpy.base import limits
from ccfpy.base.errors import VerificationFailed
from ccfpy.boundary.effects import ForgetBlobs, ReadBlob, StoreBlob
from ccfpy.crypto.aead import IV_BYTES, KEY_BYTES, TAG_BYTES, AesGcm
from ccfpy.crypto.hashing import HmacKey

if TYPE_CHECKING:
    from ccfpy.base.ports import Entropy, Given, Result
    from ccfpy.boundary.events import BlobRead
    from ccfpy.node.app import AppCode
    from ccfpy.node.outbox import Outbox


Then = Callable[[bytes | None], None]


class _Keys:
    """The keys that encrypt blobs and hide their names."""

    def __init__(self, entropy: "Entropy") -> None:
        self._cipher = AesGcm(entropy.random_bytes(KEY_BYTES))
        self._names = HmacKey(entropy.random_bytes(KEY_BYTES))
        self._sealed = 0

    def hide(self, series: int, name: str) -> str:
        """Return the name by which the host knows a blob."""
        return self._names.hexdigest(f"{series}/{name}".encode())

    def seal(self, series: int, hidden: str, content: bytes) -> bytes:
        """Encrypt a blob; counting makes a nonce that never comes again."""
        self._sealed += 1
        iv = self._sealed.to_bytes(IV_BYTES, "little")
        ciphertext, tag = self._cipher.encrypt(iv, content, _bound(series, hidden))
        return iv + tag + ciphertext

    def open(self, series: int, hidden: str, data: bytes) -> bytes:
        """Decrypt what should be a blob.

        Raises:
            VerificationFailed: it is not.
        """
        header = IV_BYTES + TAG_BYTES
        if len(data) < header:
            raise VerificationFailed(f"a blob of {len(data)} bytes lacks its header")
        return self._cipher.decrypt(
            data[:IV_BYTES],
            data[header:],
            data[IV_BYTES:header],
            _bound(series, hidden),
        )


def _bound(series: int, hidden: str) -> bytes:
    return f"{series}/{hidden}".encode()


@dataclass(eq=False, kw_only=True)
class SealedBlobs:
    """All series, and the blobs that the host has not returned yet.

    Attributes:
        entropy: makes the key.
        outbox: where the host is asked.
        news: called when data came that strategies may wait for.
        app: calls the functions that receive the data.
    """

    entropy: "Entropy"
    outbox: "Outbox"
    news: Callable[[], None]
    app: "AppCode"

    def __post_init__(self) -> None:
        self._keys: _Keys | None = None
        self._series = 0
        self._reads = 0
        self._asked: dict[int, tuple[int, str, Then]] = {}

    @property
    def keys(self) -> _Keys:
        """What seals; made when it is first needed."""
        if self._keys is None:
            self._keys = _Keys(self.entropy)
        return self._keys

    def begin(self) -> "SealedSeries":
        """Begin a series."""
        self._series += 1
        return SealedSeries(self, self._series)

    def inside(self, look: "Callable[[Given], Result]", given: "Given") -> "Result":
        """Look into a strategy while the node stands still."""
        return self.app.calls.threads.inside(look, given)

    def store(self, series: int, name: str, content: bytes) -> None:
        """Hand a blob to the host."""
        hidden = self.keys.hide(series, name)
        data = self.keys.seal(series, hidden, content)
        self.outbox.put(StoreBlob(series=series, name=hidden, data=data))

    def fetch(self, series: int, name: str, then: Then) -> bool:
        """Ask the host for a blob, unless too many are asked for."""
        if len(self._asked) >= limits.BLOB_READS_MAX:
            return False
        hidden = self.keys.hide(series, name)
        self._reads += 1
        self._asked[self._reads] = series, hidden, then
        self.outbox.put(ReadBlob(request=self._reads, series=series, name=hidden))
        return True

    def forget(self, series: int) -> None:
        """Ask the host to remove a series, and forget its open questions."""
        for request, (of, _, _) in tuple(self._asked.items()):
            if of == series:
                del self._asked[request]
        self.outbox.put(ForgetBlobs(series=series))

    def answered(self, event: "BlobRead") -> None:
        """Accept the host's answer if it is the blob that was stored."""
        asked = self._asked.pop(event.request, None)
        if asked is None:  # it was forgotten meanwhile
            return
        series, hidden, then = asked
        self.news()
        if event.data is None:
            self.outbox.fail(f"The host has lost a part of an index: {hidden}")
            self._tell(then, None)
            return
        try:
            content = self.keys.open(series, hidden, event.data)
        except VerificationFailed as error:
            self.outbox.fail(f"The host gave a wrong part of an index: {error}")
            self._tell(then, None)
            return
        self._tell(then, content)

    def _tell(self, then: Then, content: bytes | None) -> None:
        self.app.call_back("a part of an index", then, content, otherwise=None)


class SealedSeries:
    """The blobs of one strategy.

    Args:
        blobs: all series.
        number: this one's.
    """

    def __init__(self, blobs: SealedBlobs, number: int) -> None:
        self._blobs = blobs
        self._number = number
        self._is_empty = True

    def store(self, name: str, content: bytes) -> None:
        """Keep bytes under a name, which is not used again in this series."""
        self._is_empty = False
        self._blobs.store(self._number, name, content)

    def fetch(self, name: str, then: Then) -> bool:
        """Ask for bytes that were kept; tell whether there was room to."""
        return self._blobs.fetch(self._number, name, then)

    def forget(self) -> None:
        """Remove the whole series, and forget its open questions."""
        if not self._is_empty:
            self._blobs.forget(self._number)
