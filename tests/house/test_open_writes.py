"""Every endpoint at which callers without an identity may write, with the reason.

If anybody may call an endpoint that writes, strangers can fill the ledger. An endpoint
that is not in the table below fails this test. Then either the endpoint must ask for
its callers' identity, or the table must state the reason and the bound of the cost.
"""

import importlib
from collections.abc import Iterator, Mapping

import pytest

from ccfpy.base import json
from ccfpy.endpoints.auth import NoAuth
from ccfpy.endpoints.declaration import Endpoint, Mode
from ccfpy.endpoints.registry import Registry
from tests.attacks import attack
from tests.house.reference import _node
from tests.house.tree import ROOT

REASONS: Mapping[str, Mapping[str, str]] = {
    "node": {
        "POST /node/join": (
            "The service does not know the caller yet. It checks the caller's evidence "
            "first, each field has a bound, and the number of waiting nodes is bounded."
        ),
        "POST /node/create": (
            "CCF's own nodes use it. Here it writes nothing and refuses every caller."
        ),
        "DELETE /node/network/nodes/{node_id}": (
            "It removes the record of a node whose retirement is final, once."
        ),
    },
    "logging": {
        "POST /app/log/private/anonymous": "A sample, and the name says so.",
        "POST /app/log/private/anonymous/v2": "A sample, and the name says so.",
        "GET /app/log/request_query": "It writes nothing: it shows the query.",
        "POST /app/multi_auth": "It writes nothing: it shows who called.",
        "POST /app/log/private/install_committed_index": (
            "CCF's tests call it without an identity. It writes nothing to the ledger, "
            "and only one such index exists."
        ),
        "POST /app/log/private/uninstall_committed_index": (
            "CCF's tests call it without an identity. It writes nothing to the ledger, "
            "and only one such index exists."
        ),
    },
    "inference": {
        "POST /app/channel/roll": "It makes a new key only if the last key is old.",
        "POST /app/models/{name}/{version}/score": "It writes nothing: it answers.",
        "POST /app/models/{name}/{version}/record": (
            "Members decide for each model who may ask, also without an identity. It "
            "writes an entry of some digests for each question that a model answers."
        ),
    },
}
APPS = (
    "banking_py",
    "basic",
    "confidential_ledger",
    "etcd",
    "hello",
    "inference",
    "js_generic",
    "nobuiltins",
    "scitt",
)
"""Samples in Python except `logging` and `programmability`, which is below."""
SCRIPTS = ("banking", "hello_js")
"""Samples in JavaScript."""


def is_open(endpoint: Endpoint) -> bool:
    """Return whether anybody may call an endpoint and change data by it."""
    anybody = not endpoint.auth or any(isinstance(p, NoAuth) for p in endpoint.auth)
    is_read = (
        endpoint.method in ("GET", "HEAD") and endpoint.mode is not Mode.READ_WRITE
    )
    return anybody and not is_read


def open_writes(registry: Registry) -> set[str]:
    return {
        f"{endpoint.method} /{registry.prefix}{endpoint.path}"
        for endpoint in registry
        if is_open(endpoint)
    }


def open_scripts(name: str) -> Iterator[str]:
    """List such endpoints of a bundle, which names the callers of each endpoint."""
    bundle = json.loads_object((ROOT / "apps" / name / "app.json").read_bytes())
    endpoints = bundle["endpoints"]
    assert isinstance(endpoints, dict)
    for path, methods in endpoints.items():
        assert isinstance(methods, dict)
        for method, declared in methods.items():
            assert isinstance(declared, dict)
            policies = declared["authn_policies"]
            assert isinstance(policies, list)
            is_anybody = not policies or "no_auth" in policies
            if is_anybody and declared["mode"] == "readwrite":
                yield f"{method.upper()} /app{path}"


@attack("join: more nodes than anybody could want")
def test_whoever_writes_without_a_name_has_a_reason() -> None:
    running = _node().trusted.running
    assert running is not None
    served = {name: it.registry for name, it in running.frontends.items()}
    assert open_writes(served["node"]) == set(REASONS["node"])
    assert open_writes(served["gov"]) == set()
    assert open_writes(served["app"]) == set(REASONS["logging"])


@pytest.mark.parametrize("name", [*APPS, "programmability"])
def test_samples_in_python_ask_who_writes(name: str) -> None:
    module = importlib.import_module(f"apps.{name}")
    assert open_writes(module.app.registry()) == set(REASONS.get(name, {}))


@pytest.mark.parametrize("name", SCRIPTS)
def test_samples_in_javascript_ask_who_writes(name: str) -> None:
    assert set(open_scripts(name)) == set(REASONS.get(name, {}))


def test_every_sample_is_looked_at() -> None:
    found = {
        path.name
        for path in (ROOT / "apps").iterdir()
        if path.is_dir() and not path.name.startswith(("_", "."))
    }
    assert found == {*APPS, *SCRIPTS, "logging", "programmability"}


def test_no_reason_is_empty() -> None:
    assert all(reason for part in REASONS.values() for reason in part.values())
