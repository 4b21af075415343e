"""The check at commit: what a transaction read must still be so.

`Store.end` runs the check when the state has moved on since the transaction chose its
version. A transaction that wrote nothing is never checked.
"""

from ccfpy.base.ids import Seqno
from ccfpy.kv.changes import Conflict
from ccfpy.kv.tx import MapHandle, State, Tx
from ccfpy.kv.versions import VersionedMap


def check_conflicts(state: State, tx: Tx) -> None:
    """Check that a state still is what a transaction read.

    Raises:
        Conflict: something that the transaction read has changed, a map that it used
            was created, or applied versions were taken back since.
    """
    if tx.generation != state.generation:
        raise Conflict("the state was rolled back since the transaction began")
    assert tx.read_version is not None
    if tx.unchanged is not None:
        marked = tx.unchanged[0]
        if state.maps.get(marked.name) is not marked or (
            marked.version > tx.read_version
        ):
            raise Conflict(f"map {marked.name!r}: it was changed")
    for handle in tx.handles.values():
        reason = _conflict_of(handle, state.maps.get(handle.name), tx.read_version)
        if reason:
            raise Conflict(f"map {handle.name!r}: {reason}")


def _conflict_of(
    handle: MapHandle, current: VersionedMap | None, read_version: Seqno
) -> str | None:
    """Return what keeps a handle's transaction from committing, if anything."""
    if current is None:
        return None
    if current is not handle.map or (current.created_at or 0) > read_version:
        return f"created since {read_version}"
    if handle.reads_whole_map and current.version > read_version:
        return f"changed at {current.version}, after {read_version}"
    for key, seen in handle.reads.items():
        now = current.current_version_of(key)
        if now != seen:
            return f"a key was read at {seen} and is now at {now}"
    return None
