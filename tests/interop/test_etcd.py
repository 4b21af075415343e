"""Etcd's own client, where it is installed, takes the sample app for etcd.

Commands share a folder. A command begun in the background empties its file a moment
later, so a test that waits for words in a file has a file that nobody used before.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_howtos import _checkout
from tests.lab.ports import free_ports
from tests.pages import PORTS, ROOT, Block, Desk, blocks, perform

if TYPE_CHECKING:
    import subprocess

ETCDCTL = shutil.which("etcdctl")
PAGE = ROOT / "docs/howto/use-etcd-clients.md"
TIMES = "--command-timeout=60s --dial-timeout=60s"
"""Of each command: a slow machine needs more than etcdctl's five seconds."""

pytestmark = pytest.mark.skipif(
    ETCDCTL is None, reason="etcdctl is not installed: apt-get install etcd-client"
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Return a shell beside a service, which has done what the page says."""
    desk = _checkout(tmp_path_factory.mktemp("etcd"))
    patient = desk.folder / "bin/etcdctl"
    patient.parent.mkdir()
    patient.write_text(f'#!/bin/sh\nexec {ETCDCTL} {TIMES} "$@"\n')
    patient.chmod(0o755)
    desk.type_in(f'export PATH="{patient.parent}:$PATH"')
    (port, *_) = free_ports(PORTS)
    with contextlib.ExitStack() as running:
        for block in blocks(PAGE, port):
            printed = perform(desk, _typed(block), running)
            if "etcdctl get greeting\n" in block.text:
                lines = printed.splitlines()
                assert lines[:3] == ["OK", "greeting", "hello"]
                assert lines[3:6] == ["OK", "greeting", "hello"]
        yield desk


def _typed(block: Block) -> Block:
    """Return a block of etcdctl's commands as one that is typed."""
    is_typed = block.language == "text" and "etcdctl " in block.text
    return Block("sh", "", block.text) if is_typed else block


def ask(desk: Desk, command: str) -> "subprocess.CompletedProcess[str]":
    return desk.type_in(command)


def answer(desk: Desk, command: str) -> str:
    done = ask(desk, command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refusal(desk: Desk, command: str) -> str:
    done = ask(desk, command)
    assert done.returncode != 0
    return done.stderr


def test_every_flag_of_get(desk: Desk) -> None:
    for key, value in (("c", "2"), ("a", "9"), ("b", "1")):
        answer(desk, f"etcdctl put flags/{key} {value}")
    get = "etcdctl get flags/"

    def keys(flags: str) -> str:
        printed = answer(desk, f"{get} --keys-only {flags}").split()
        return "".join(key.removeprefix("flags/") for key in printed)

    assert keys("--prefix") == "abc"
    assert keys("--prefix --order=DESCEND") == "cba"
    assert keys("--prefix --sort-by=CREATE") == "cab"
    assert keys("--prefix --sort-by=MODIFY --order=DESCEND") == "bac"
    assert keys("--prefix --sort-by=VALUE --order=ASCEND --limit=2") == "bc"
    assert keys("--prefix --sort-by=VERSION") == "abc"
    assert keys("flags/c") == "ab"
    assert "abc" in keys("--from-key")
    counted = answer(desk, f"{get} --prefix --count-only -w fields")
    assert '"Count" : 3' in counted
    assert answer(desk, "etcdctl get flags/a --print-value-only") == "9\n"
    assert answer(desk, "etcdctl get flags/a --consistency=s -w simple").split() == [
        "flags/a",
        "9",
    ]
    found = json.loads(answer(desk, f"{get} --prefix -w json"))
    revision = found["kvs"][0]["mod_revision"]
    assert answer(desk, f"etcdctl get flags/a --rev={revision}") == "flags/a\n9\n"
    assert answer(desk, f"etcdctl get flags/a --rev={revision - 1}") == ""
    late = refusal(desk, "etcdctl get flags/a --rev=999999")
    assert "etcdserver: mvcc: required revision is a future revision" in late


def test_get_prints_in_every_format(desk: Desk) -> None:
    written = json.loads(answer(desk, "etcdctl put formats/k v -w json"))
    revision = written["header"]["revision"]
    get = "etcdctl get formats/k"
    assert answer(desk, f"{get} --hex").split()[0].startswith(r"\x66\x6f\x72\x6d")
    fields = answer(desk, f"{get} -w fields").splitlines()
    for each in (
        '"Key" : "formats/k"',
        f'"CreateRevision" : {revision}',
        f'"ModRevision" : {revision}',
        '"Version" : 1',
        '"Value" : "v"',
        '"Count" : 1',
    ):
        assert each in fields
    sized = answer(desk, f"{get} -w protobuf | wc -c")
    assert int(sized) > len("formats/kv")
    assert answer(desk, "etcdctl get formats/none") == ""
    assert answer(desk, "etcdctl get '' --prefix --limit=1 --keys-only") != ""
    unknown = refusal(desk, "etcdctl get formats/k --sort-by=KEY --consistency=x")
    assert "unknown consistency flag" in unknown


def test_put_and_del_with_their_flags(desk: Desk) -> None:
    assert answer(desk, "etcdctl put d/p 1") == "OK\n"
    assert answer(desk, "etcdctl put d/p 2 --prev-kv") == "OK\nd/p\n1\n"
    assert answer(desk, "etcdctl put d/p --ignore-value") == "OK\n"
    assert answer(desk, "etcdctl get d/p") == "d/p\n2\n"
    assert "requested lease not found" in refusal(desk, "etcdctl put d/p 3 --lease=99")
    assert "key not found" in refusal(desk, "etcdctl put none --ignore-value")
    answer(desk, "etcdctl put d/p2 x")
    assert answer(desk, "etcdctl del d/p d/p2 --prev-kv") == "1\nd/p\n2\n"
    assert answer(desk, "etcdctl del d/ --prefix") == "1\n"
    assert answer(desk, "etcdctl del d/p") == "0\n"


def test_a_transaction_and_a_lease(desk: Desk) -> None:
    txn = 'printf \'create("t") = "0"\\n\\nput t 1\\n\\nget t\\n\\n\' | etcdctl txn'
    assert answer(desk, txn) == "SUCCESS\n\nOK\n"
    assert answer(desk, txn) == "FAILURE\n\nt\n1\n"
    granted = answer(desk, "etcdctl lease grant 300")
    lease = granted.split()[1]
    assert granted == f"lease {lease} granted with TTL(300s)\n"
    answer(desk, f"etcdctl put leased x --lease={lease}")
    lives = answer(desk, f"etcdctl lease timetolive {lease} --keys")
    assert "granted with TTL(300s)" in lives
    assert "attached keys([leased])" in lives
    assert lease in answer(desk, "etcdctl lease list")
    assert answer(desk, f"etcdctl lease revoke {lease}") == f"lease {lease} revoked\n"
    assert answer(desk, "etcdctl get leased") == ""
    gone = answer(desk, f"etcdctl lease timetolive {lease}")
    assert gone == f"lease {lease} already expired\n"


def test_compaction_health_and_members(desk: Desk) -> None:
    answer(desk, "etcdctl put compacted 1")
    found = json.loads(answer(desk, "etcdctl put compacted 2 -w json"))
    revision = found["header"]["revision"]
    compacted = answer(desk, f"etcdctl compaction {revision}")
    assert compacted == f"compacted revision {revision}\n"
    late = refusal(desk, f"etcdctl get compacted --rev={revision - 1}")
    assert "etcdserver: mvcc: required revision has been compacted" in late
    assert "is healthy" in ask(desk, "etcdctl endpoint health 2>&1").stdout
    (status,) = json.loads(answer(desk, "etcdctl endpoint status -w json"))
    assert status["Status"]["leader"] == status["Status"]["header"]["member_id"]
    assert "is healthy" in ask(desk, "etcdctl endpoint health --cluster 2>&1").stdout
    members = json.loads(answer(desk, "etcdctl member list -w json"))
    (member,) = members["members"]
    assert member["ID"] == status["Status"]["leader"]
    assert answer(desk, "etcdctl alarm list") == ""


def test_a_watch_hears_what_is_written(desk: Desk) -> None:
    heard = answer(
        desk,
        """
        etcdctl watch --prefix w/ --prev-kv > events &
        until grep --quiet DELETE events; do
            etcdctl put w/a 1; etcdctl del w/a
        done > written
        etcdctl put w/b end >> written
        until grep --quiet end events; do sleep 0.05; done
        kill $!
        cat events
        """,
    )
    assert "DELETE\nw/a\n1\nw/a\n\nPUT\nw/b\n" in heard
    late = refusal(desk, "timeout 100 etcdctl watch w/ --rev=1")
    assert "required revision has been compacted" in late


def test_a_watch_begins_in_the_past_and_runs_a_command_for_each_event(
    desk: Desk,
) -> None:
    first = json.loads(answer(desk, "etcdctl put past/a 1 -w json"))
    revision = first["header"]["revision"]
    answer(desk, "etcdctl put past/a 2; etcdctl put past/b 3")
    shown = "$ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY $ETCD_WATCH_VALUE"
    watch = f"etcdctl watch --progress-notify --prev-kv --rev={revision}"
    heard = answer(
        desk,
        f"""
        {watch} --prefix past/ > past-events &
        {watch} past/a past/b -- sh -c 'echo {shown}' > commanded &
        until grep --quiet 3 past-events && grep --quiet '"2"' commanded
        do sleep 0.05; done
        kill %1 %2
        cat past-events; grep '"PUT"' commanded
        """,
    )
    assert heard.split("PUT\n")[1:3] == ["past/a\n1\n", "past/a\n1\npast/a\n2\n"]
    assert heard.endswith('"PUT" "past/a" "1"\n"PUT" "past/a" "2"\n')


def test_a_watch_of_what_is_compacted_is_refused(desk: Desk) -> None:
    answer(desk, "etcdctl put old 1")
    written = json.loads(answer(desk, "etcdctl put old 2 -w json"))
    revision = written["header"]["revision"]
    answer(desk, f"etcdctl compaction {revision}")
    late = refusal(desk, f"timeout 100 etcdctl watch old --rev={revision - 1}")
    assert "etcdserver: mvcc: required revision has been compacted" in late
    again = refusal(desk, f"etcdctl compaction {revision}")
    assert "etcdserver: mvcc: required revision has been compacted" in again


def test_an_election_is_won_by_one_and_heard_by_others(desk: Desk) -> None:
    heard = answer(
        desk,
        """
        etcdctl elect chosen first > won &
        until grep --quiet first won; do sleep 0.05; done
        etcdctl elect chosen second > waiting &
        etcdctl elect chosen --listen > elected &
        until grep --quiet first elected; do sleep 0.05; done
        kill -INT %1
        until grep --quiet second waiting; do sleep 0.05; done
        kill %2 %3
        cat waiting elected
        """,
    )
    lines = heard.split()
    assert lines[0].startswith("chosen/")
    assert lines[1] == "second"
    assert "first" in lines[2:]


def test_a_lock_is_held_by_one_at_a_time(desk: Desk) -> None:
    held = answer(
        desk,
        """
        mkfifo waits
        etcdctl lock --ttl=20 one -- \\
            sh -c 'touch held; cat waits; echo first >> order' &
        until test -e held; do sleep 0.05; done
        etcdctl lock --ttl=20 one -- \\
            sh -c 'echo $ETCD_LOCK_KEY; echo second >> order' &
        until etcdctl get --prefix one --count-only -w fields | grep '"Count" : 2'
        do sleep 0.05; done
        echo > waits
        wait
        cat order
        """,
    )
    assert "one/" in held
    assert held.endswith("first\nsecond\n")


def test_endpoints_say_how_they_are(desk: Desk) -> None:
    (health,) = json.loads(answer(desk, "etcdctl endpoint health -w json"))
    assert health["health"] is True
    (status,) = json.loads(answer(desk, "etcdctl endpoint status -w json"))
    assert status["Status"]["version"] == "3.5.0"
    assert "3.5.0" in answer(desk, "etcdctl endpoint status -w table")
    assert "IsLearner" in answer(desk, "etcdctl endpoint status -w fields")
    unserved = refusal(desk, "etcdctl endpoint hashkv")
    assert "does not serve etcdserverpb.Maintenance/HashKV" in unserved


def test_a_lease_is_kept_alive_and_a_lock_is_held(desk: Desk) -> None:
    lease = answer(desk, "etcdctl lease grant 300").split()[1]
    kept = answer(desk, f"etcdctl lease keep-alive --once {lease}")
    assert kept == f"lease {lease} keepalived with TTL(300)\n"
    assert "lease not found" in refusal(desk, "etcdctl lease keep-alive --once 99")
    assert answer(desk, "etcdctl lock l echo held") == "held\n"


def test_what_is_not_served_says_so(desk: Desk) -> None:
    text = refusal(desk, "etcdctl role add r")
    assert "Unimplemented" in text
    assert "the service does not serve etcdserverpb.Auth/RoleAdd" in text


def test_nobody_calls_without_a_users_certificate(desk: Desk) -> None:
    without = "env -u ETCDCTL_CERT -u ETCDCTL_KEY etcdctl put k v"
    assert "Invalid authentication credentials" in refusal(desk, without)
