"""Leases that nobody asks about: the primary ends them when their time is over."""

from apps.etcd.calls import now_ms
from apps.etcd.limits import LEASES_CHECKED_MS
from apps.etcd.service import app
from apps.etcd.store import Store
from ccfpy.app import JobContext


@app.every(LEASES_CHECKED_MS)
def end_leases(ctx: JobContext) -> None:
    """End leases whose time is over."""
    Store(ctx.tx).end_leases(now_ms(ctx.node))
