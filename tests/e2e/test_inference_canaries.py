"""What is asked of a model, and what it says, is nowhere but in the enclave.

A real node runs a model behind a tap on the channel between its two processes. Nobody
ends the TLS but the enclave; and where there is no TLS at all, what is sealed stays so.
Every byte is searched that crossed the boundary, lies in a file of the host's, or is in
the host's memory while both processes live.
"""

import json
from pathlib import Path

import pytest

from ccfpy.audit.chunks import arrange
from ccfpy.crypto.hpke import HpkeKey
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.secrets import LedgerSecret, LedgerSecrets
from tests.e2e.canary_search import find, find_in_files, find_in_home
from tests.e2e.inference_run import Seen, run


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """What a run left to be seen."""
    return run(tmp_path_factory.mktemp("inference"))


def test_what_was_asked_and_answered_never_crossed_the_boundary(seen: Seen) -> None:
    assert len(seen.secrets) == 7
    assert find(seen.record, seen.secrets) == set()


def test_it_is_in_no_file_of_the_hosts_ledger_and_logs_included(seen: Seen) -> None:
    assert find_in_files(seen.folder, seen.secrets) == {}


def test_it_is_in_no_file_that_a_library_keeps_in_the_users_home(seen: Seen) -> None:
    # onnxruntime would keep one in the cache, and share its memory with it.
    secrets = seen.secrets | _keys(seen)
    assert find_in_home(secrets, since=seen.began, but=seen.workspace) == {}


def test_it_is_not_in_the_hosts_memory_where_the_search_finds_what_is(
    seen: Seen,
) -> None:
    assert seen.in_memory == {seen.marker}


def test_what_was_sent_unsealed_in_the_clear_is_found(seen: Seen) -> None:
    assert find(seen.record, seen.clear) == seen.clear.keys()


def test_the_host_carried_the_very_bytes_that_were_sealed(seen: Seen) -> None:
    assert seen.ciphertext in seen.record


def test_the_private_keys_of_the_channel_are_nowhere(seen: Seen) -> None:
    keys = _keys(seen)
    assert len(keys) == 2
    assert find(seen.record, keys) == set()
    assert find_in_files(seen.folder, keys) == {}
    public = {name: HpkeKey(raw).public for name, raw in keys.items()}
    assert find(seen.record, public) == {"key 1"}, "which alone was given to anybody"


def _keys(seen: Seen) -> dict[str, bytes]:
    """Take the keys out of the ledger, with a secret that nobody has seen."""
    secrets = LedgerSecrets([(1, LedgerSecret(raw=seen.ledger_secret))])
    folder = seen.folder / "0.ledger"
    found: dict[str, bytes] = {}
    for name in arrange(path.name for path in folder.iterdir()):
        content = Path(folder / str(name)).read_bytes()
        chunk = Chunk.parse(ChunkName.parse(str(name)), content)
        for _, _, entry in chunk.entries():
            writes = Transaction.parse(entry).private_writes(secrets)
            for value in writes.get("inference.keys", {}).values():
                assert value is not None
                current = json.loads(value)["current"]
                found[f"key {current['version']}"] = bytes.fromhex(current["private"])
    return found
