"""No secret leaves the enclave: the test searches every byte that could carry one.

A real node runs with a tap on the channel between its two processes. The same requests,
full of canaries, go over TLS, and in the clear as if the host had ended TLS. The
canaries sent over TLS must leave no trace anywhere. The search must find the others, or
it proves nothing.
"""

import os
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from ccfpy.audit.chunks import arrange
from ccfpy.crypto.certs import Certificate
from ccfpy.crypto.ec import KeyPair
from ccfpy.crypto.rsa import RsaKeyPair
from ccfpy.ledger import encrypted_shares
from ccfpy.ledger.chunk import Chunk, ChunkName
from ccfpy.ledger.encrypted_shares import RecoveryShares
from ccfpy.ledger.entry import Transaction
from ccfpy.ledger.tables import RECOVERY_SHARES, SINGLE_KEY
from ccfpy.service.tables import recovery
from tests.e2e.canary_run import MEMBERS, Seen, run
from tests.e2e.canary_search import find, find_in_files, find_in_home

SECRET = bytes(range(100, 148))
RECORD = "every byte between host and enclave"


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Everything visible that a run left."""
    return run(tmp_path_factory.mktemp("canaries"))


def _find_everywhere(seen: Seen, secrets: dict[str, bytes]) -> dict[str, set[str]]:
    found = find_in_files(seen.options.folder(0), secrets)
    if crossed := find(seen.record, secrets):
        found[RECORD] = crossed
    return found


def test_what_went_over_tls_is_nowhere(seen: Seen) -> None:
    assert len(seen.private) >= 40
    assert _find_everywhere(seen, seen.private) == {}


def test_nor_is_it_in_the_home_or_the_cache_of_the_user(seen: Seen) -> None:
    hidden = seen.private | seen.keys
    assert find_in_home(hidden, since=seen.began, but=seen.workspace) == {}


def test_what_is_written_to_a_home_or_a_cache_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = time.time()
    for name in ("home/.cache/a library", "caches", "home/workspace"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "file").write_bytes(b"before" + SECRET)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    old = tmp_path / "home" / "old"
    old.write_bytes(SECRET)
    os.utime(old, (0, 0))
    found = find_in_home(
        {"secret": SECRET}, since=began - 1, but=tmp_path / "home" / "workspace"
    )
    assert found == {
        str(tmp_path / "home" / ".cache" / "a library" / "file"): {"secret"},
        str(tmp_path / "caches" / "file"): {"secret"},
    }


def test_the_same_in_the_clear_is_found_in_the_hosts_hands(seen: Seen) -> None:
    places = {name.removesuffix(", rekeyed") for name in seen.private}
    assert seen.clear.keys() == places
    assert find(seen.record, seen.clear) == places


def test_even_what_the_host_could_read_is_in_none_of_its_files(seen: Seen) -> None:
    assert find_in_files(seen.options.folder(0), seen.clear) == {}


def test_what_is_public_is_in_the_ledger_for_all_to_read(seen: Seen) -> None:
    found = _find_everywhere(seen, seen.public)
    assert found.pop(RECORD) == seen.public.keys()
    (file,) = found
    assert file.startswith("0.ledger/")
    assert found[file] == seen.public.keys()


def test_no_private_key_is_anywhere(seen: Seen) -> None:
    assert len(seen.keys) == 7
    assert _find_everywhere(seen, seen.keys) == {}
    marker = b"PRIVATE KEY"
    assert marker not in seen.record
    for path in seen.options.folder(0).rglob("*"):
        assert path.is_dir() or marker not in path.read_bytes(), path


def test_no_share_of_a_member_is_anywhere(seen: Seen) -> None:
    opened = {f"share {i}": share for i, share in enumerate(_shares(seen)[-1][1])}
    assert len(opened) == len(MEMBERS)
    assert _find_everywhere(seen, opened) == {}


def _issued(seen: Seen) -> list[RecoveryShares]:
    folder = seen.options.folder(0) / "0.ledger"
    issued = []
    for name in arrange(path.name for path in folder.iterdir()):
        chunk = Chunk.parse(
            ChunkName.parse(str(name)), (folder / str(name)).read_bytes()
        )
        for _, _, entry in chunk.entries():
            writes = Transaction.parse(entry).domain.write_set
            if value := writes.get(RECOVERY_SHARES, {}).get(SINGLE_KEY):
                issued.append(recovery.SHARES.codec.decode(value))
    return issued


def _shares(seen: Seen) -> list[tuple[RecoveryShares, list[bytes]]]:
    """Return each issue of shares, and the shares as members decrypt them."""
    keys = {}
    for name in MEMBERS:
        files = seen.options.keys(name)
        certificate = Certificate.from_pem(files.certificate.read_text())
        key = RsaKeyPair.from_pem(files.encryption_private_key.read_text())
        keys[certificate.digest_hex] = key
    return [
        (issued, [keys[m].unwrap(s) for m, s in issued.encrypted_shares.items()])
        for issued in _issued(seen)
    ]


def test_the_keys_that_were_searched_for_are_the_ones_in_use(seen: Seen) -> None:
    for name, path in (
        ("node key", seen.options.folder(0) / "0.pem"),
        ("service key", seen.options.service_certificate),
    ):
        certificate = Certificate.from_pem(path.read_text())
        key = KeyPair.from_pem(seen.escrow[name])
        assert certificate.public_key == key.public_key
    recovered = {
        encrypted_shares.unwrap(issued, opened, len(MEMBERS)).raw
        for issued, opened in _shares(seen)
    }
    assert recovered == set(seen.ledger_secrets)
    assert len(recovered) == 2


def test_nothing_is_said_on_stderr(seen: Seen) -> None:
    assert (seen.options.folder(0) / "err").read_bytes() == b""


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "first half": lambda data: data[:24],
    "second half": lambda data: data[24:],
    "hex": lambda data: data.hex().encode(),
    "upper hex": lambda data: data.hex().upper().encode(),
    "base64": b64encode,
    "base64url": urlsafe_b64encode,
    "base64 after one byte": lambda data: b64encode(b"x" + data),
    "base64 amid others": lambda data: b64encode(b"xy" + data + b"z"),
    "base64 in lines": lambda data: _in_lines(b64encode(b"x" * 27 + data)),
    "lines in JSON": lambda data: _in_lines(b64encode(data)).replace(b"\n", b"\\n"),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_the_search_finds_a_secret_in_every_form(
    encode: Callable[[bytes], bytes],
) -> None:
    data = b"before" + encode(SECRET) + b"after"
    other = bytes(reversed(SECRET))
    assert find(data, {"secret": SECRET, "other": other}) == {"secret"}


def _in_lines(text: bytes) -> bytes:
    return b"\n".join(text[i : i + 20] for i in range(0, len(text), 20))
