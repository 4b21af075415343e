"""The attacks of code in the enclave, and on what the enclave shows of itself."""

from collections.abc import Mapping

PARTS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "escape": (
        "Out of the closed enclave",
        {
            "a descriptor that a library left open": (
                "An enclave does not start with a descriptor that it does not know."
            ),
            "a file that a library shares its memory with": (
                "An enclave does not start with a memory mapping through which it "
                "could write a file."
            ),
        },
    ),
    "applications": (
        "An application's own code",
        {
            "a handler without end": (
                "The node goes on without a slow handler. At the handler's limit, an "
                "exception ends the handler's own code, again and again if the handler "
                "continues."
            ),
            "a script that looks for other calls' bytes in its buffers": (
                "Each buffer has memory of its own up to its largest size, and new "
                "memory is zeroed. An instance of the engine whose heap is broken, or "
                "that was refused memory, is not used again."
            ),
            "a script without end": (
                "The node goes on without a slow script, which ends at its limit."
            ),
            "many handlers without end": (
                "The number of calls that may be slow at once is bounded. The node "
                "refuses further calls with 503, and serves its own endpoints."
            ),
            "one caller takes all the places of slow calls": (
                "A caller with some slow calls may begin another only while more "
                "places than that are free; the last place is for a caller who has "
                "none. A caller is a known identity, or else an address."
            ),
            "many calls that compute without end": (
                "One slow call in Python runs at a time, and so many scripts as there "
                "are processors but one. The callers take turns."
            ),
            "memory that another call takes": (
                "What the process grows by is charged to calls by the processor time "
                "that they use meanwhile. The call that took most is ended, of the "
                "caller who took most."
            ),
            "handlers that hang": (
                "The node answers in the place of a handler that does not return. "
                "One caller's share of such calls is bounded. While too many handlers "
                "hang, the node refuses calls in Python with 503, and serves scripts "
                "and its own endpoints."
            ),
            "a handler that asks the node without end": (
                "The node first finishes the call. The handler ends at the next "
                "line of its own code."
            ),
            "a handler that takes memory without end": (
                "At the limit of memory, an exception ends the handler's own code, as "
                "at the limit of time."
            ),
            "an answer that ends the process that writes it": (
                "The node measures the answer's size and depth before it writes the "
                "answer."
            ),
            "an answer that nobody can send": (
                "The node checks the answer before it sends the answer."
            ),
            "many watches of one key, and large values under it": (
                "The sample app `etcd` writes an event once for all watches of all "
                "streams. A step sends a bounded number of bytes, and the stream waits "
                "until its client has taken them. A stream and a user have a bounded "
                "number of watches."
            ),
            "a handler that ends the program": (
                "Any exception of a handler is an error of one request."
            ),
            "a policy that strangers make slow": (
                "A policy has the limits of any call of the application's code, and "
                "is not called while too many calls are slow."
            ),
            "keys without end that a policy does not know": (
                "A policy writes nothing, and the node keeps nothing of the caller."
            ),
            "paths without end that no endpoint has": (
                "The default endpoint's policies come first; such paths count as one."
            ),
            "a private value in an exception": (
                "The caller receives an id, and the log says where the exception "
                "occurred. The log has the exception's text only if members decide "
                "so."
            ),
            "a stored value that cannot be read": (
                "The caller does not receive the text of the codec's error."
            ),
        },
    ),
    "traces": (
        "Traces",
        {
            "a collector that hangs": (
                "A thread of its own sends traces. A bounded number of them waits, and "
                "further ones are dropped and counted."
            ),
            "an app that names private text as the transaction": (
                "The trace names the transaction that the node itself committed, and "
                "reads no header of the answer."
            ),
        },
    ),
    "metrics": (
        "Metrics",
        {
            "an address that other machines reach, by mistake": (
                "The node refuses any address but loopback or a Unix socket, unless "
                "the operator adds a second option."
            ),
            "a private value in a label": (
                "A label is one of a fixed set, a part of a node's id, an interface's "
                "name, or an endpoint's path in the app's own declaration."
            ),
            "requests for metrics without end": (
                "A request, a connection's time and the number of connections are "
                "bounded. One collection serves all scrapes of a second."
            ),
        },
    ),
}
