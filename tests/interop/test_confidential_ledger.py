"""Azure's own clients of a confidential ledger take ours, unchanged."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from ccfpy.base.json import JsonObject, loads_object
from ccfpy.testing.emulators import EmulatedLedger
from tests.interop.environments import HERE, RUN_TIMEOUT_S, install_locked
from tests.pages import PORT, ROOT, blocks

HOWTO = ROOT / "docs/howto/emulate-azure-confidential-ledger.md"
PROGRAM = "workspace/use_ledger.py"


@pytest.fixture(scope="module", params=[1, 2], ids=["1.1.1", "2.0.0b2"])
def client(request: pytest.FixtureRequest) -> Path:
    """Return the Python that has a version of Azure's client."""
    number: int = request.param
    return install_locked(
        f"acl{number}", f"acl-{number}.lock", "Azure's client of its ledger"
    )


def told_by(client: Path, ledger: EmulatedLedger, kind: str) -> JsonObject:
    """Run a client, and return what it prints."""
    shown = {"certificate": ledger.administrator, "token": ledger.token_endpoint}
    done = subprocess.run(
        [
            *(str(client), "-W", "ignore", str(HERE / "acl_client.py")),
            *(ledger.endpoint, ledger.identity_service, ledger.ledger_id),
            *(kind, shown[kind]),
        ],
        env={**os.environ, **ledger.environment},
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return loads_object(done.stdout.encode())


@pytest.mark.parametrize("kind", ["certificate", "token"])
def test_azures_client_does_all_that_it_can(
    client: Path, ccf_acl: EmulatedLedger, kind: str
) -> None:
    told = told_by(client, ccf_acl, kind)
    assert told["entries"] == {
        "entry": "text 0",
        "refuses_another": True,
        "listed": ["text 0", "text 1", "text 2"],
        "listed_ids": True,
        "part": ["text 1"],
        "current": "text 2",
        "is_listed": True,
        "default": "subledger:0",
        "status": "Committed",
        "waited": "Committed",
        "read_at_once": "Ready",
        "receipt_at_once": "Ready",
        "lost": ["ResourceNotFoundError", 404],
        "unknown": ["ResourceNotFoundError", 404],
        "no_collection": ["ResourceNotFoundError", 404],
    }
    assert told["users"] == {
        "roles": ["Reader", "Contributor", "Contributor"],
        "is_gone": True,
        "user": "0f8fad5b-d9cb-469f-a165-70867728950e",
    }
    service = told["service"]
    assert isinstance(service, dict)
    assert (service["members"], service["has_own_quote"]) == (1, True)
    if "preview" in told:
        assert told["preview"] == PREVIEW


def test_the_program_of_the_how_to_works(
    client: Path, ccf_acl: EmulatedLedger, tmp_path: Path
) -> None:
    (program,) = (each for each in blocks(HOWTO, PORT) if each.note == PROGRAM)
    done = subprocess.run(
        [str(client), "-I", "-c", program.text],
        cwd=tmp_path,
        env={
            "LEDGER": ccf_acl.endpoint,
            "IDENTITY_SERVICE": ccf_acl.identity_service,
            "ADMIN": ccf_acl.administrator,
        },
        capture_output=True,
        text=True,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"Hello, ledger, in 2\.\d+: verified\n", done.stdout)


PREVIEW = {
    "users": {
        "added": ["Reader", "Contributor"],
        "read": ["Reader", "Contributor"],
        "is_listed": True,
        "one": True,
        "is_left": False,
    },
    "tags": ["first", "second"],
    "roles": {"actions": ["/audit", "/content/read"], "then": 404},
    "endpoints": {"paths": ["/hi"], "module": True, "options": [2000, 2000]},
    "functions": {
        "id": "add",
        "code": True,
        "listed": ["add"],
        "added": {"status": "Succeeded", "result": {"returnValue": "3"}},
        "noted": {"returnValue": "hooked"},
        "seen": {"returnValue": "seen,seen,true"},
        "failed": {
            "status": "Failed",
            "error": {
                "message": "Error while executing function add: Error: no\n"
                "    at refuse (add)\n"
            },
        },
        "left": [],
    },
}
"""What the preview adds."""
