"""Etcd's own command line, given to etcd and to the sample app: the same bytes."""

import shutil
from pathlib import Path

import pytest

from tests.interop.etcd_beside_etcd import COMMANDS, DIFFERENT, compare

pytestmark = pytest.mark.skipif(
    shutil.which("etcd") is None or shutil.which("etcdctl") is None,
    reason="etcd is not installed: apt-get install etcd-server etcd-client",
)


def test_only_what_must_differ_differs(tmp_path: Path) -> None:
    assert len(COMMANDS) > 112
    differing = {
        each.command: (each.theirs.normal(), each.ours.normal())
        for each in compare(tmp_path)
        if not each.is_same
    }
    unexpected = {name: differing[name] for name in differing.keys() - DIFFERENT.keys()}
    assert unexpected == {}
    assert set(differing) == set(DIFFERENT), "what is the same now stands no more there"
