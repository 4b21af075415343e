"""Runs a past request again, on the state that the request saw.

The code may have changed. The new answer is compared with the kept answer, and the new
writes with the writes in the ledger.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ccfpy.base.errors import CcfpyError, Malformed
from ccfpy.base.ids import TxId
from ccfpy.client.bundle import Bundle
from ccfpy.crypto.certs import Certificate
from ccfpy.devtools.checks import endpoints_of, modules_of
from ccfpy.devtools.ledger_state import LedgerState
from ccfpy.devtools.served import ServedRequest
from ccfpy.devtools.stage import Performance, Stage, install
from ccfpy.js.serving import GOVERNED
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.store import Store

NOT_THE_APPS = frozenset({"x-ms-ccf-transaction-id", "content-length", "date"})
"""Headers that a node adds."""


class NotReplayed(CcfpyError):
    """A request cannot be run again; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a request, then or now.

    Attributes:
        headers: the application's own.
        body: nothing where it was too large to be kept.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | None
    writes: WriteSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """A request run again.

    Attributes:
        performance: how it went now.
    """

    served: ServedRequest
    then: Outcome
    now: Outcome
    performance: Performance

    @property
    def is_same(self) -> bool:
        """Whether the same came of it, as far as it is known what came of it then."""
        then, now = self.then, self.now
        return (
            then.status == now.status
            and then.writes == now.writes
            and (
                then.body is None
                or (then.body, then.headers) == (now.body, now.headers)
            )
        )


def replay(served: ServedRequest, state: LedgerState, bundle: Bundle | None) -> Replay:
    """Run a request again on the state that it saw.

    Args:
        served: the request.
        state: at the seqno that it read at; another application is put into its store.
        bundle: the application of today; the one in force then if none is given.

    Raises:
        NotReplayed: its body was not kept.
    """
    try:
        request = served.request()
    except Malformed as error:
        raise NotReplayed(
            f"request {served.number} was not kept whole: {error}"
        ) from error
    if bundle is not None:
        install(state.store, modules_of(bundle), endpoints_of(bundle))
    stage = Stage(
        state.store,
        last=state.last,
        unix_time_us=served.unix_time_us,
        history=state.past,
    )
    caller = None if served.caller is None else Certificate.from_pem(served.caller)
    performance = stage.perform(request, caller)
    response = performance.response
    return Replay(
        served=served,
        then=Outcome(
            status=served.status,
            headers=_own(served.answer_headers),
            body=served.answer,
            writes=_written(served, state),
        ),
        now=Outcome(
            status=response.status,
            headers=_own(response.headers),
            body=response.body,
            writes=performance.writes,
        ),
        performance=performance,
    )


def installed(store: Store) -> Bundle:
    """Return the modules that a state holds, without the paths of their files."""
    modules = GOVERNED.modules.of(store.begin(read_only=True)).items()
    return Bundle(metadata={}, modules={k.removeprefix("/"): v for k, v in modules})


def _own(headers: Mapping[str, str]) -> Mapping[str, str]:
    return {k: v for k, v in headers.items() if k not in NOT_THE_APPS}


def _written(served: ServedRequest, state: LedgerState) -> WriteSet:
    """Find in the ledger what a request wrote; one that only read has no entry."""
    if served.txid is None:
        return {}
    txid = TxId.parse(served.txid)
    if served.read_version is not None and txid.seqno <= served.read_version:
        return {}
    writes = state.writes_of(txid)
    if writes is None:
        raise NotReplayed(
            f"transaction {txid} is not in the ledger: it is of another service, or "
            "was lost"
        )
    return writes
