"""Blobs as the host of a simulated node has them, for tests to lose or change."""

from ccfpy.boundary.effects import ForgetBlobs, ReadBlob, StoreBlob
from ccfpy.boundary.events import BlobRead


class BlobShelf:
    """The blobs that one node gave its host.

    Attributes:
        blobs: by series and name.
    """

    def __init__(self) -> None:
        self.blobs: dict[tuple[int, str], bytes] = {}

    def keep(self, effect: StoreBlob | ForgetBlobs) -> None:
        """Keep a blob, or remove those of a series."""
        if isinstance(effect, StoreBlob):
            self.blobs[effect.series, effect.name] = effect.data
            return
        self.blobs = {
            key: data for key, data in self.blobs.items() if key[0] != effect.series
        }

    def read(self, effect: ReadBlob) -> BlobRead:
        """Return a blob, or None if it is not there."""
        data = self.blobs.get((effect.series, effect.name))
        return BlobRead(request=effect.request, data=data)
