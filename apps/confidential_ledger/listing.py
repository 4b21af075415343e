"""Lists of collections and entries, a page at a time.

An index learns which transactions wrote a collection or a tag as they are committed. A
page whose transactions are not indexed or fetched yet is answered without entries and
with a link to itself, since clients look at the link and not at the page's state.
"""

from collections.abc import Callable
from urllib.parse import urlencode

from apps.confidential_ledger.app import app, page
from apps.confidential_ledger.asked import (
    Collection,
    parse_collection,
    parse_tag,
    parse_transaction_id,
)
from apps.confidential_ledger.callers import Reader
from apps.confidential_ledger.entries import describe_entry, entry_in
from apps.confidential_ledger.limits import ENTRIES_PER_PAGE, NAMES_PER_PAGE, WAIT_MS
from apps.confidential_ledger.past import LOADING, READY, require_known
from apps.confidential_ledger.tables import ENTRIES, TAGGED
from ccfpy.app import (
    Answer,
    Blobs,
    Context,
    Forwarding,
    JsonObject,
    Seqno,
    SeqnosByKey,
    TxId,
    TxStatus,
)


@app.index
def writes_of(_: Blobs) -> SeqnosByKey[str]:
    """Learn which transactions appended to a collection."""
    return SeqnosByKey(ENTRIES)


@app.index
def writes_tagged(_: Blobs) -> SeqnosByKey[list[str]]:
    """Learn which transactions appended to a collection with a tag."""
    return SeqnosByKey(TAGGED)


@app.get("/collections")
def list_collections(ctx: Context, _: Reader, after: str | None = None) -> JsonObject:
    """List the collections in the order of their ids."""
    start = "" if after is None else parse_collection(after)
    known = ENTRIES.of(ctx.tx).keys()
    names = sorted(name for name in known if name > start)
    shown = names[:NAMES_PER_PAGE]
    link = None
    if len(names) > len(shown):
        link = f"/app/collections?{urlencode({'after': shown[-1]})}"
    return page("collections", [{"collectionId": name} for name in shown], link)


@app.get("/transactions", forwarding=Forwarding.NEVER, answers=dict[str, str])
def list_entries(
    ctx: Context,
    _: Reader,
    collection: Collection,
    fromTransactionId: str | None = None,  # noqa: N803 - the parameter's name is Azure's
    toTransactionId: str | None = None,  # noqa: N803 - the parameter's name is Azure's
    tag: str | None = None,
) -> JsonObject | Answer:
    """List the entries of a collection, or those of one tag, in their order."""
    wanted = None if tag is None else parse_tag(tag)
    first = 1
    if fromTransactionId is not None:
        begin = parse_transaction_id(fromTransactionId)
        require_known(ctx, begin)
        first = begin.seqno
    last = _last(ctx, toTransactionId)
    listed = _Listed(ctx, collection, wanted, last)
    if ctx.node.tx_status(last) is not TxStatus.COMMITTED:
        return listed.loading(
            first, lambda: ctx.node.tx_status(last) is not TxStatus.PENDING
        )
    return listed.page_from(first)


def _last(ctx: Context, text: str | None) -> TxId:
    """Return the last transaction of a list, by default the last committed one."""
    if text is None:
        return ctx.node.committed_tx_id() or TxId(0, 0)
    tx_id = parse_transaction_id(text)
    require_known(ctx, tx_id)
    return tx_id


class _Listed:
    """One list, of which pages are asked for."""

    def __init__(
        self, ctx: Context, collection: str, tag: str | None, last: TxId
    ) -> None:
        self._ctx = ctx
        self._collection = collection
        self._tag = tag
        self._last = last

    def page_from(self, first: Seqno) -> JsonObject | Answer:
        """Return the page that begins at a seqno."""
        if first > self._last.seqno:
            return {"state": READY, "entries": []}
        seqnos = self._seqnos(first)
        if seqnos is None:
            return self.loading(first, lambda: self._seqnos(first) is not None)
        if not seqnos:
            return {"state": READY, "entries": []}
        history = self._ctx.node.history
        handle = ("list", self._collection, self._tag, first, self._last.seqno)
        states = history.states_for(handle, seqnos)
        if states is None:
            return self.loading(first, lambda: history.is_settled(handle))
        entries: list[JsonObject] = []
        for state in states:
            found = entry_in(state, self._collection)
            if found is not None:
                contents = found[1].contents
                entries.append(describe_entry(self._collection, contents, state.txid))
        is_whole = len(seqnos) < ENTRIES_PER_PAGE
        link = None if is_whole else self._link(seqnos[-1] + 1)
        return {"state": READY, **page("entries", entries, link)}

    def loading(self, first: Seqno, until: Callable[[], bool]) -> JsonObject | Answer:
        """Wait for a while, then answer with a link to the same page."""
        ctx = self._ctx
        awaited = ctx.node.history.wait(ctx.request, ctx.session, until, WAIT_MS)
        if awaited is not None:
            return awaited
        return {"state": LOADING, **page("entries", [], self._link(first))}

    def _seqnos(self, first: Seqno) -> list[Seqno] | None:
        """List the transactions of a page; nothing while they are not indexed."""
        node, last = self._ctx.node, self._last.seqno
        if self._tag is None:
            return writes_of.of(node).write_txs_in_range(
                self._collection, first, last, seqnos_max=ENTRIES_PER_PAGE
            )
        return writes_tagged.of(node).write_txs_in_range(
            [self._collection, self._tag], first, last, seqnos_max=ENTRIES_PER_PAGE
        )

    def _link(self, first: Seqno) -> str:
        query = {
            "collectionId": self._collection,
            "fromTransactionId": f"{self._ctx.node.view_of(first)}.{first}",
            "toTransactionId": str(self._last),
        }
        if self._tag is not None:
            query["tag"] = self._tag
        return f"/app/transactions?{urlencode(query)}"
