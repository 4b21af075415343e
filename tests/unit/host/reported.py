"""A report of a traced request, as an enclave makes it."""

from ccfpy.boundary.effects import ForwardingSpan, ReportTrace

TRACE = bytes.fromhex("4bf92f3577b34da6a3ce929d0e0e4736")
CALLER = bytes.fromhex("00f067aa0ba902b7")
ENCLAVE = b"enclave."
FORWARD = b"forward."
NOW_MS = 1_750_000_000_000


def report(
    *,
    received_ms: int = NOW_MS,
    endpoint: str = "",
    method: str = "PUT",
    status: str = "2xx",
    transaction: str = "2.15",
    forwarding: ForwardingSpan | None = None,
) -> ReportTrace:
    """Return a report of a write."""
    return ReportTrace(
        trace=TRACE,
        parent=CALLER,
        span=ENCLAVE,
        received_ms=received_ms,
        began_ms=NOW_MS + 1,
        ended_ms=NOW_MS + 5,
        frontend="app",
        endpoint=endpoint,
        method=method,
        status=status,
        transaction=transaction,
        is_forwarded=False,
        forwarding=forwarding,
    )
