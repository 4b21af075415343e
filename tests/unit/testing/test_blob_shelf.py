"""The simulated host's blobs behave as files do."""

from ccfpy.boundary.effects import ForgetBlobs, ReadBlob, StoreBlob
from ccfpy.testing.blob_shelf import BlobShelf


def test_blobs_are_kept_by_series_and_name() -> None:
    shelf = BlobShelf()
    for series in (1, 2):
        shelf.keep(StoreBlob(series=series, name="a", data=b"%d" % series))
    assert shelf.read(ReadBlob(request=7, series=1, name="a")).data == b"1"
    assert shelf.read(ReadBlob(request=7, series=1, name="b")).data is None
    shelf.keep(ForgetBlobs(series=1))
    assert shelf.read(ReadBlob(request=7, series=1, name="a")).data is None
    assert shelf.blobs == {(2, "a"): b"2"}
