"""etcd as Debian packages it, over TLS with P-384 certificates, loaded by h2load.

Each connection makes one put after another, always of the same key and of 100 bytes,
over gRPC or over etcd's JSON gateway. etcd itself reports the number of puts: its
revision grows by one with each put.
"""

import base64
import json
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from benchmarks.harness.processes import cpu_s, started, wait_until
from benchmarks.servers.rate import Rate
from ccfpy.crypto import certs
from ccfpy.crypto.ec import Curve, KeyPair
from ccfpy.enclave.ports import SystemEntropy
from tests.lab.ports import free_ports

PROGRAMS = {"etcd": "etcd-server", "h2load": "nghttp2-client"}
"""The programs that are needed, and the Debian packages that contain them."""
START_S = 20
END_S = 600
"""The time after which h2load would end by itself."""
KEY = b"key"
VALUE = b"x" * 100
GRPC_PATH = "/etcdserverpb.KV/Put"
JSON_PATH = "/v3/kv/put"
_LENGTH_DELIMITED = 2

_Answer: TypeAlias = dict[str, dict[str, str]]


def missing() -> str | None:
    """Return a sentence that names the missing programs, if any are missing."""
    lacking = [package for name, package in PROGRAMS.items() if not shutil.which(name)]
    if not lacking:
        return None
    return f"etcd was not asked: apt install {' '.join(lacking)} brings it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Etcd:
    """A running cluster; requests go to its leader, if that is its first node."""

    url: str
    pids: tuple[int, ...]
    authority: Path

    def revision(self) -> int:
        """Count the puts so far."""
        body = {"key": base64.b64encode(KEY).decode(), "limit": "1"}
        answer: _Answer = self._ask("/v3/kv/range", body)
        return int(answer["header"]["revision"])

    def lead(self) -> bool:
        """Return whether the asked node leads the cluster."""
        try:
            answer = self._ask("/v3/maintenance/status", {})
        except (urllib.error.URLError, ConnectionError):
            return False
        leader: object = answer.get("leader", "0")
        return leader not in ("0", None) and leader == answer["header"]["member_id"]

    def _ask(self, path: str, body: dict[str, str]) -> _Answer:
        request = urllib.request.Request(self.url + path, json.dumps(body).encode())  # noqa: S310 - https
        context = ssl.create_default_context(cafile=str(self.authority))
        with urllib.request.urlopen(request, timeout=5, context=context) as reply:  # noqa: S310 - https
            answer: _Answer = json.load(reply)
        return answer

    def put(self, body: Path, *, connections: int, seconds: float, grpc: bool) -> Rate:
        """Run h2load, which puts again and again on a number of connections."""
        if grpc:
            protocol = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        else:
            protocol = ["--h1", "-H", "content-type: application/json"]
        url = self.url + (GRPC_PATH if grpc else JSON_PATH)
        command = [
            *("h2load", "-t1", "-m1", f"-c{connections}", f"-D{END_S}"),
            *(*protocol, "-d", str(body), url),
        ]
        # The measurement lies within the load: a connection is no put, and h2load does
        # not decide when the load ends.
        with started([command], log=body.with_suffix(".log")):
            before = self.revision()
            wait_until(
                lambda: self.revision() > before, "a first put", timeout_s=START_S
            )
            first, begun, spent_s = self.revision(), time.monotonic(), cpu_s(self.pids)
            time.sleep(seconds)
            puts = self.revision() - first
            spent_s, took_s = cpu_s(self.pids) - spent_s, time.monotonic() - begun
        return Rate.of(puts, spent_s=spent_s, took_s=took_s)


def grpc_put(key: bytes, value: bytes) -> bytes:
    """Return a put as one gRPC message, not compressed, of short fields."""
    assert max(len(key), len(value)) < 1 << 7, "their sizes are one byte each"
    fields = b"".join(
        bytes((number << 3 | _LENGTH_DELIMITED, len(data))) + data
        for number, data in ((1, key), (2, value))
    )
    return b"\0" + len(fields).to_bytes(4, "big") + fields


def json_put(key: bytes, value: bytes) -> bytes:
    """Return a put in the JSON gateway's form."""
    fields = {"key": base64.b64encode(key), "value": base64.b64encode(value)}
    return json.dumps({name: text.decode() for name, text in fields.items()}).encode()


def make_certificates(folder: Path) -> tuple[Path, Path, Path]:
    """Make an authority, and a node's key and certificate that it endorses."""
    entropy, now = SystemEntropy(), datetime.now(tz=UTC)
    authority, node = (KeyPair.generate(entropy, Curve.SECP384R1) for _ in range(2))
    root = certs.service_certificate(
        authority,
        subject="CN=authority",
        not_before=now,
        validity_days=1,
        entropy=entropy,
    )
    request = certs.certificate_request(
        node, subject="CN=node", sans=("iPAddress:127.0.0.1",)
    )
    endorsed = certs.endorse_request(
        request,
        issuer_key=authority,
        issuer_cert=root,
        not_before=now,
        validity_days=1,
        entropy=entropy,
    )
    paths = folder / "authority.pem", folder / "node.pem", folder / "node_key.pem"
    for path, text in zip(paths, (root.pem, endorsed.pem, node.pem), strict=True):
        path.write_text(text)
    return paths


@contextmanager
def cluster(folder: Path, nodes: int, *, fsync: bool) -> Iterator[Etcd]:
    """Start a cluster whose first node leads, and end it afterwards."""
    authority, certificate, key = make_certificates(folder)
    urls = [f"https://127.0.0.1:{port}" for port in free_ports(2 * nodes)]
    clients, peers = urls[:nodes], urls[nodes:]
    members = ",".join(f"n{number}={url}" for number, url in enumerate(peers))
    tls = [f"--cert-file={certificate}", f"--key-file={key}"]
    tls += [f"--peer-cert-file={certificate}", f"--peer-key-file={key}"]
    tls += [f"--peer-trusted-ca-file={authority}", "--peer-client-cert-auth"]
    commands = [
        [
            *("etcd", f"--name=n{number}", f"--data-dir={folder / str(number)}"),
            *(f"--listen-client-urls={clients[number]}",),
            *(f"--advertise-client-urls={clients[number]}",),
            *(f"--listen-peer-urls={peers[number]}",),
            *(f"--initial-advertise-peer-urls={peers[number]}",),
            *(f"--initial-cluster={members}", "--log-level=error", *tls),
            *(() if fsync else ("--unsafe-no-fsync",)),
        ]
        for number in range(nodes)
    ]
    with started(commands, log=folder / "etcd.log") as processes:
        pids = tuple(process.pid for process in processes)
        found = [Etcd(url=url, pids=pids, authority=authority) for url in clients]
        wait_until(
            lambda: any(each.lead() for each in found),
            "a leader of etcd",
            timeout_s=START_S,
        )
        yield next(each for each in found if each.lead())
