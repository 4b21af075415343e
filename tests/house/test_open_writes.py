"""Who may write without saying who they are: every such endpoint, and why it may.

An endpoint that anybody may call and that writes lets strangers fill the ledger. One
that is not in the table below fails this test: either its callers are asked who they
are, or the reason is written down, with what bounds the cost.
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
            "Who asks is not known yet. Its evidence is checked first, each field has "
            "a bound, and so many nodes wait and no more."
        ),
        "POST /node/create": (
            "For CCF's own nodes; here it writes nothing and refuses everybody."
        ),
        "DELETE /node/network/nodes/{node_id}": (
            "It removes the record of a node whose retirement is final, once."
        ),
    },
    "logging": {
        "POST /app/log/private/anonymous": "A sample, and the name says so.",
        "POST /app/log/private/anonymous/v2": "The same.",
        "GET /app/log/request_query": "It writes nothing: it shows the query.",
        "POST /app/multi_auth": "It writes nothing: it shows who called.",
        "POST /app/log/private/install_committed_index": (
            "CCF's tests call it so. It writes nothing to the ledger; there is one."
        ),
        "POST /app/log/private/uninstall_committed_index": "The same.",
    },
    "inference": {
        "POST /app/channel/roll": "It makes a new key only where the last is old.",
        "POST /app/models/{name}/{version}/score": "It writes nothing: it answers.",
        "POST /app/models/{name}/{version}/record": (
            "Members say of each model who may ask, perhaps without a name: it writes "
            "an entry of some digests for each question that a model answered."
        ),
    },
}
APPS = ("banking_py", "basic", "hello", "inference", "js_generic", "nobuiltins")
"""Samples in Python besides `logging` and `programmability`, which is below."""
SCRIPTS = ("banking", "hello_js")
"""Samples in JavaScript."""


def is_open(endpoint: Endpoint) -> bool:
    """Return whether anybody may call an endpoint, and change something by it."""
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
    """List those of a bundle, which says of each endpoint who may call it."""
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
