"""The same commands of `etcdctl` to etcd and to the sample app, byte by byte.

``python -m tests.interop.etcd_beside_etcd`` starts one of each on this machine, and
prints how many commands have the same output, status and errors, and how the others
differ. What every service has of its own is replaced before: ids of clusters, members
and leases, terms, and addresses. So are times.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ccfpy.local.configuration import HTTP2_INTERFACE, INTERFACE
from tests.e2e.running import running_node
from tests.lab.ports import free_ports

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject

LEASE, REVISION = "LEASE", "REVISION"
"""Stand in a command for the lease that was granted last, and the store's revision."""
WATCHED_S = 1.5
"""After so long a command ends that would go on."""
START_S = 20.0
TIMEOUT_S = 60.0

KEYS = """
get a
put a 1
put a 2 -w json
put a 3 --prev-kv
put a 4 --prev-kv -w json
put a -w fields -- 5
put a --ignore-value
put none --ignore-value
put a x --ignore-value
put a x --lease=99
put a x --ignore-lease
put none x --ignore-lease
put ab 1 -w protobuf
put b "two words"
put c ""
put d/1 1
put d/2 2
put d/3 3
get a
get a -w json
get a -w fields
get a -w protobuf
get a --hex
get a --print-value-only
get a --keys-only
get a b
get a c --limit=1
get a c --limit=1 -w json
get --prefix d/
get --prefix d/ --keys-only
get --prefix d/ --count-only -w fields
get --prefix d/ --count-only -w json
get --prefix d/ --order=DESCEND
get --prefix d/ --sort-by=VALUE
get --prefix d/ --sort-by=CREATE --order=DESCEND
get --prefix d/ --sort-by=MODIFY --order=ASCEND -w json
get --prefix d/ --sort-by=VERSION
get --from-key b
get --from-key b -w json
get "" --prefix --keys-only
get "" --from-key --limit=2 -w json
get a --consistency=s
get a --consistency=x
get a --rev=2
get a --rev=3 -w json
get a --rev=1
get --prefix d/ --rev=9
get a --rev=9999
get z y
get --prefix d/ --sort-by=NONE
del a --prev-kv
del none
del d/1 d/3
del d/1 d/3 -w json
del --prefix d/ --prev-kv
del --prefix d/ --prev-kv -w json
del --from-key c
del "" --prefix -w fields
get "" --prefix
""".strip().splitlines()
TRANSACTIONS = [
    'txn <<< $\'create("t") = "0"\\n\\nput t 1\\n\\nput t 0\\n\\n\'',
    'txn <<< $\'create("t") = "0"\\n\\nput t 1\\n\\nget t\\n\\n\'',
    'txn <<< $\'version("t") > "0"\\n\\nget t\\ndel t\\n\\nput t 9\\n\\n\'',
    'txn <<< $\'value("t") = "1"\\n\\nput t 1\\n\\nput t 2\\nput u 3\\n\\n\'',
    'txn <<< $\'mod("t") < "9999"\\n\\nget t\\n\\n\\n\'',
    'txn -w json <<< $\'lease("t") = "0"\\n\\nget t\\nput t 4\\n\\n\\n\'',
    'txn <<< $\'value("t") = "4"\\nvalue("u") = "3"\\n\\nget t u\\n\\n\\n\'',
    "txn <<< $'\\nput w 1\\nput w 2\\n\\n\\n'",
    "txn <<< $'\\n\\n\\n'",
    "txn <<< $'\\nput v 1 --lease=99\\n\\n\\n'",
]
LEASES = """
lease grant 100
put l 1 --lease=LEASE
put l2 2 --lease=LEASE -w json
get l -w json
lease timetolive LEASE
lease timetolive LEASE --keys
lease timetolive LEASE --keys -w json
lease keep-alive --once LEASE
lease list
lease list -w json
lease grant 0
lease grant -1
lease grant 9999999999
lease grant x
lease revoke 99
lease keep-alive --once 99
lease timetolive 99
lease revoke LEASE
get l
lease grant 60 -w json
lease list
""".strip().splitlines()
WATCHES = """
watch a --rev=2
watch a --rev=2 -w json
watch a --rev=2 --prev-kv
watch a --rev=2 --prev-kv -w json
watch --prefix d/ --rev=2 -w json
watch a c --rev=4
watch b a
watch b a -w json
watch b a --rev=2
watch a --rev=9999
watch a -w json
""".strip().splitlines()
REST = """
compaction 5
compaction 5
compaction 9999
compaction x
get a --rev=2
watch a --rev=2
watch a --rev=2 -w json
watch a --rev=5
compaction REVISION
compaction REVISION --physical
endpoint health
endpoint status
endpoint hashkv
alarm list
alarm list -w json
alarm disarm
member list
member list -w json
member promote 99
member remove 99
move-leader 99
defrag
snapshot save FILE
auth status
auth status -w json
user list -w json
role list -w json
auth enable
user list
user add root:x
role list
role add r
role get r
user delete root
put k v --user=root:x
lock one echo held
elect one --listen
version
check perf --load=x
get k --endpoints=127.0.0.1:1
""".strip().splitlines()
COMMANDS: Sequence[str] = (*KEYS, *TRANSACTIONS, *LEASES, *WATCHES, *REST)

_IDS = "ids of the cluster and of the member, which are not replaced in protobuf"
_GOVERNED = "members of the service decide on nodes by governance"
_FILES = "files are the host's, and hold what is encrypted"
_CERTIFICATES = "callers are users by their certificates; there are no roles"
DIFFERENT: Mapping[str, str] = {
    "put ab 1 -w protobuf": _IDS,
    "get a -w protobuf": _IDS,
    "endpoint status": "version, size and Raft's indexes are those of the service",
    "endpoint hashkv": "etcd's hash is of its own file; receipts prove what is kept",
    "member list": "a node's name is its id",
    "member list -w json": "a node's name is its id",
    "member promote 99": _GOVERNED,
    "member remove 99": _GOVERNED,
    "move-leader 99": "elections choose the primary",
    "defrag": _FILES,
    "snapshot save FILE": _FILES,
    "user add root:x": _CERTIFICATES,
    "role add r": _CERTIFICATES,
    "role get r": _CERTIFICATES,
    "user delete root": _CERTIFICATES,
}
"""The commands whose output differs, and why."""

_NORMAL = [
    (r'"(cluster_id|member_id|raft_term|ID|leader|dbSize\w*|raft\w*)":\d+', r'"\1":N'),
    (r'"(ClusterID|MemberID|RaftTerm|Lease|ID)" : \d+', r'"\1" : N'),
    (r'"lease":\d{6,}', '"lease":N'),
    (r'"id":"?[0-9a-f]{6,}"?', '"id":N'),
    (r"\b[0-9a-f]{15,16}\b", "ID"),
    (r"https?://[\w.:]+|127\.0\.0\.1:\d+", "ADDRESS"),
    (r"took = [\w.µ]+", "took"),
    (r'"ts":"[^"]*"', '"ts":T'),
    (r"target:\S+|0xc[0-9a-f]+", "TARGET"),
    (r"remaining\(\d+s\)", "remaining"),
    (r'"ttl":\d+', '"ttl":N'),
]
_LEASE_KEYS = re.compile(r'"keys":\[([^\]]*)\]')
"""The keys of a lease, which etcd lists in any order."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    def normal(self) -> "Output":
        """Return it without what every service has of its own."""
        return Output(self.status, _normal(self.out), _normal(self.err))


def _normal(text: str) -> str:
    for pattern, by in _NORMAL:
        text = re.sub(pattern, by, text)
    return _LEASE_KEYS.sub(_in_order, text)


def _in_order(keys: re.Match[str]) -> str:
    return f'"keys":[{",".join(sorted(keys[1].split(",")))}]'


class Service:
    """One service, as `etcdctl` finds it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = {"PATH": "/usr/bin:/bin", **environment}
        self._lease = "0"

    def ask(self, command: str) -> Output:
        """Run a command."""
        words = command.replace(LEASE, self._lease)
        if REVISION in words:
            words = words.replace(REVISION, self._revision())
        words = words.replace("FILE", str(self._folder / "saved"))
        ends = f"timeout -s INT {WATCHED_S} " if _goes_on(words) else ""
        done = self._run(f"{ends}etcdctl --command-timeout=20s {words}")
        if granted := re.search(r"lease ([0-9a-f]+) granted", done.out):
            self._lease = granted[1]
        return done

    def _revision(self) -> str:
        found = re.search(r'"revision":(\d+)', self._run("etcdctl get a -w json").out)
        assert found is not None
        return found[1]

    def _run(self, line: str) -> Output:
        done = subprocess.run(
            ["/bin/bash", "-c", line],
            env=self._environment,
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        out, err = (
            each.decode(errors="replace") for each in (done.stdout, done.stderr)
        )
        return Output(done.returncode, out, err)


def _goes_on(words: str) -> bool:
    return words.startswith("watch") or "--listen" in words


@contextmanager
def real_etcd(folder: Path) -> Iterator[Service]:
    """Run etcd itself."""
    program = shutil.which("etcd")
    assert program is not None, "etcd is installed"
    client, peer, *_ = (f"http://127.0.0.1:{port}" for port in free_ports(2))
    options = {
        "data-dir": str(folder / "data"),
        "listen-client-urls": client,
        "advertise-client-urls": client,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"default={peer}",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [program, *(f"--{name}={value}" for name, value in options.items())],
            stdout=log,
            stderr=log,
        )
    try:
        service = Service(folder, {"ETCDCTL_ENDPOINTS": client})
        deadline_s = time.monotonic() + START_S
        while service.ask("endpoint health").status:
            assert time.monotonic() < deadline_s, (folder / "log").read_text()
        yield service
    finally:
        process.terminate()
        process.wait()


@contextmanager
def sample(folder: Path) -> Iterator[Service]:
    """Run the sample app."""
    anywhere: JsonObject = {"bind_address": "127.0.0.1:0"}
    interfaces: JsonObject = {
        INTERFACE: anywhere,
        HTTP2_INTERFACE: {**anywhere, "app_protocol": "HTTP2"},
    }
    with running_node(
        folder, app="etcd", extra={"network": {"rpc_interfaces": interfaces}}
    ) as node:
        node.open(["user0"])
        options, keys = node.options, node.options.keys("user0")
        port = urlsplit(node.node.http2_url).port
        environment = {
            "ETCDCTL_ENDPOINTS": f"https://127.0.0.1:{port}",
            "ETCDCTL_CACERT": str(options.service_certificate.resolve()),
            "ETCDCTL_CERT": str(keys.certificate.resolve()),
            "ETCDCTL_KEY": str(keys.private_key.resolve()),
        }
        yield Service(folder, environment)


@dataclass(frozen=True, slots=True)
class Compared:
    """What both printed of one command."""

    command: str
    theirs: Output
    ours: Output

    @property
    def is_same(self) -> bool:
        """Whether nothing differs but what every service has of its own."""
        return self.theirs.normal() == self.ours.normal()


def compare(folder: Path) -> list[Compared]:
    """Run all commands against both."""
    for name in ("etcd", "sample"):
        (folder / name).mkdir()
    with real_etcd(folder / "etcd") as theirs, sample(folder / "sample") as ours:
        return [Compared(each, theirs.ask(each), ours.ask(each)) for each in COMMANDS]


def main() -> None:
    """Compare, and print what differs."""
    with tempfile.TemporaryDirectory(prefix="etcd-beside-etcd-") as folder:
        compared = compare(Path(folder))
    for each in compared:
        if not each.is_same:
            theirs, ours = each.theirs.normal(), each.ours.normal()
            why = DIFFERENT.get(each.command, "NOT EXPECTED")
            sys.stdout.write(f"\n$ etcdctl {each.command}\n  why: {why}\n")
            for name in ("status", "out", "err"):
                one, other = getattr(theirs, name), getattr(ours, name)
                if one != other:
                    sys.stdout.write(f"  {name} of etcd: {one!r}\n  ours: {other!r}\n")
    same = sum(each.is_same for each in compared)
    sys.stdout.write(f"\n{len(compared)} commands: {same} the same\n")


if __name__ == "__main__":
    main()
