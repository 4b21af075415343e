"""Tables of a profile agree with the samples, and add up."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.profiling.stacks import (
    COLLECTOR,
    KERNEL,
    Stack,
    count_owners,
    dearest,
    owner,
    parse,
    shares,
    table,
)

STEP = "_serve (ccfpy/enclave/loop.py:148);Node.step (ccfpy/node/node.py:97)"
FEED = f"{STEP};TlsSession.feed (ccfpy/http/tls.py:279)"
SEAL = f"{STEP};seal (ccfpy/ledger/entry.py:90);encrypt (ccfpy/crypto/aead.py:40)"

OWNERS = {
    f"{STEP}": "ccfpy.node",
    f"{STEP};set (ccfpy/kv/maps.py:9);lookup (libpython3.11.so.1.0)": "ccfpy.kv",
    f"{STEP};set (ccfpy/kv/maps.py:9);malloc (libc.so.6)": "ccfpy.kv",
    f"{FEED};mem_write (cryptography/hazmat/bindings/_rust.abi3.so)": (
        "OpenSSL for ccfpy.http"
    ),
    f"{SEAL};0x7f00 (cryptography/hazmat/bindings/_rust.abi3.so)": (
        "OpenSSL for ccfpy.crypto"
    ),
    f"{SEAL};_hashlib_new (_hashopenssl.c.h:117);SHA256 (libcrypto.so.3)": (
        "OpenSSL for ccfpy.crypto"
    ),
    f"{FEED};Connection.recv (OpenSSL/SSL.py:2000)": "pyOpenSSL and cffi",
    f"{STEP};feed_data (parser.c:6373);llhttp__internal__run (llhttp.c:1283)": (
        "httptools"
    ),
    # A call back into our own code is ours again.
    f"{STEP};feed_data (parser.c:6373);on_header (ccfpy/http/partial.py:106)": (
        "ccfpy.http"
    ),
    f"{STEP};record (apps/logging/app.py:82)": "the application",
    f"{STEP};loads (orjson/orjson.cpython-311-x86_64-linux-gnu.so)": "orjson",
    f"{STEP};gc_collect_main (libpython3.11.so.1.0);visit (libpython3.11.so.1.0)": (
        COLLECTOR
    ),
    "start (ccfpy/host/launch.py:94);run_forever (loop.c:33192);uv_run (core.c:464)": (
        "uvloop"
    ),
    f"{STEP};sock_send_impl (socketmodule.c:4182);send (libc.so.6);0x7f (libc.so.6)": (
        KERNEL
    ),
    "uv__read (stream.c:1154);read (libc.so.6)": KERNEL,
    "uv__io_poll (linux.c:1452);epoll_pwait (libc.so.6);0x7f (libc.so.6)": None,
    "_attend (ccfpy/enclave/scripts.py:27);clock_nanosleep (libc.so.6)": None,
    "_worker (concurrent/futures/thread.py:81);"
    "PyThread_acquire_lock_timed.localalias (libpython3.11.so.1.0)": None,
    "_start (python3.11)": "the interpreter",
}


@pytest.mark.parametrize("frames", OWNERS)
def test_a_sample_belongs_to_the_innermost_that_has_an_owner(frames: str) -> None:
    assert owner(frames.split(";")) == OWNERS[frames]


MODULES = frozenset(
    {"ccfpy.kv.store", "ccfpy.http.parser", "ccfpy.js.parser", "ccfpy.node.node"}
)
COMPILED = {
    "CPyDef_store___Store___compact (ccfpy/kv/store.so)": "ccfpy.kv",
    "CPyPy_http___parser___feed (__native.c:3)": "ccfpy.http",
    "CPyDef_js___parser___feed (__native.c:3)": "ccfpy.js",
    "CPyDef_node___node___Node___step (5a5f__mypyc.so)": "ccfpy.node",
    # Two modules have this ending, and the name of neither is guessed.
    "CPyDef_parser___feed (__native.c:3)": "the interpreter",
}


@pytest.mark.parametrize("frame", COMPILED)
def test_a_compiled_function_belongs_to_its_package(frame: str) -> None:
    assert owner([frame], MODULES) == COMPILED[frame]


def test_stacks_are_read_with_blanks_in_their_frames() -> None:
    text = "main (a.py:1);a <lambda> (b.py:2) 12\nmain (a.py:1) 3\n"
    assert parse(text) == [
        Stack(("main (a.py:1)", "a <lambda> (b.py:2)"), 12),
        Stack(("main (a.py:1)",), 3),
    ]
    with pytest.raises(ValueError, match="invalid literal"):
        parse("main (a.py:1)\n")


STACKS = parse("".join(f"{frames} 1\n" for frames in OWNERS))


def test_those_who_wait_are_not_counted() -> None:
    assert count_owners(STACKS) == Counter(
        whose for whose in OWNERS.values() if whose is not None
    )


@given(
    st.dictionaries(st.sampled_from(["a", "b", "c", KERNEL]), st.integers(1, 10**6)),
    st.floats(0, 1e4),
    st.floats(0, 1e4),
)
def test_shares_add_up_to_the_whole(
    counts: dict[str, int], user_us: float, kernel_us: float
) -> None:
    rows = shares(counts, user_us=user_us, kernel_us=kernel_us)
    assert sum(row.us for row in rows) == pytest.approx(user_us + kernel_us)
    assert [row.us for row in rows if row.owner == KERNEL] == [kernel_us]
    assert rows == sorted(rows, key=lambda row: -row.us)


def test_samples_share_out_what_was_not_the_kernels() -> None:
    rows = shares({"a": 3, "b": 1, KERNEL: 1000}, user_us=8, kernel_us=1)
    assert [(row.owner, row.us) for row in rows] == [("a", 6), ("b", 2), (KERNEL, 1)]


def test_a_table_tells_each_process_and_both_and_small_rows_as_one() -> None:
    host = shares({"a": 1}, user_us=2, kernel_us=3)
    enclave = shares({"b": 997, "c": 2, "d": 1}, user_us=15, kernel_us=0)
    assert table([("host", host), ("enclave", enclave)]) == (
        "| process | whose work | µs a request | of the whole |\n"
        "|---|---|--:|--:|\n"
        f"| host | {KERNEL} | 3.0 | 15.0% |\n"
        "| host | a | 2.0 | 10.0% |\n"
        "| host | **all** | 5.0 | 25.0% |\n"
        "| enclave | b | 15.0 | 74.8% |\n"
        "| enclave | all else | 0.0 | 0.2% |\n"
        "| enclave | **all** | 15.0 | 75.0% |\n"
        "| **both** | **all** | 20.0 | 100.0% |\n"
    )


def test_the_dearest_functions_are_ours_and_have_what_libraries_do_for_them() -> None:
    stacks = parse(
        f"{SEAL};0x7f00 (cryptography/hazmat/bindings/_rust.abi3.so) 6\n"
        f"{SEAL} 1\n{STEP} 3\n{STEP};send (libc.so.6) 90\n"
    )
    assert dearest(stacks, 2) == [
        ("encrypt (ccfpy/crypto/aead.py)", 0.7),
        ("Node.step (ccfpy/node/node.py)", 0.3),
    ]
