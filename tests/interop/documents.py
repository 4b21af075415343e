"""A service whose documents schemathesis judges, and the callers that it speaks for.

Three members decide by majority, so that what one of them proposes or votes for alone
changes nothing; nobody who calls here can hurt the service.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ccfpy.base.json import JsonObject
from ccfpy.client.bundle import read_bundle
from ccfpy.client.governance import Governance
from ccfpy.client.keys import FileSigner, member_id
from ccfpy.client.opening import carry, open_service
from ccfpy.crypto.certs import Certificate
from ccfpy.testing.apps.callers import Issuer
from tests.apps.banks import built
from tests.e2e.running import Running, running_node
from tests.interop.environments import HERE, install_locked

EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "2")
"""Generated requests for each operation, beside the dozens that cover its schemas. With
one seed they are the same in each run; ``make documents`` tries 200, with fresh
seeds."""
SECONDS = os.environ.get("SCHEMATHESIS_SECONDS")
"""How long each document is tried with each caller; once through if not said."""
SEED = os.environ.get("SCHEMATHESIS_SEED", "1")
TIMEOUT_S = 180

DOCUMENTS: Mapping[str, str] = {
    "node": "/node/api",
    "gov-classic": "/gov/api",
    "gov-2023-06-01-preview": "/gov/api?api-version=2023-06-01-preview",
    "gov-2024-07-01": "/gov/api?api-version=2024-07-01",
    "app": "/app/api",
}

LEFT_OUT: Mapping[str, str] = {
    "missing_required_header": "it asks for 406 or 401 of headers that CCF answers 400",
    "ensure_resource_availability": "a removal may come between a write and its read",
    "use_after_free": "records may be written again under the same id meanwhile",
    "object_level_authorization": "it compares two users; here each speaks alone",
}
"""Checks of schemathesis that do not run, each with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """How somebody calls.

    Attributes:
        certificate: whose key the TLS connection proves, if anybody's.
        signer: whose key signs bodies, if anybody's.
        has_token: whether a token comes with each request.
    """

    certificate: str | None = None
    signer: str | None = None
    has_token: bool = False


CALLERS: Mapping[str, Caller] = {
    "nobody": Caller(),
    "a user by certificate": Caller(certificate="user0"),
    "a user by token": Caller(has_token=True),
    "a user who signs": Caller(signer="user0"),
    "a stranger": Caller(certificate="stranger", signer="stranger"),
    "a member by certificate": Caller(certificate="member0"),
    "a member who signs": Caller(signer="member0"),
    "a member not yet active": Caller(certificate="newcomer", signer="newcomer"),
}

ALL_AT_APP = tuple(("app", caller) for caller in CALLERS)
CASES = (
    # Nothing under /node asks who calls.
    ("node", "nobody"),
    ("node", "a member by certificate"),
    *(
        (document, caller)
        for document in DOCUMENTS
        if document.startswith("gov-")
        for caller in ("nobody", "a member who signs", "a member not yet active")
    ),
    ("gov-classic", "a member by certificate"),
    ("gov-classic", "a user by certificate"),
    ("gov-2024-07-01", "a stranger"),
    *ALL_AT_APP,
)
JAVASCRIPT_CASES = (
    ("app", "nobody"),
    ("app", "a user by certificate"),
    ("app", "a member by certificate"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A service that is open, and what schemathesis must know of it."""

    running: Running
    python: Path
    token: str
    ids: Mapping[str, list[str]]

    def run(self, document: str, caller: str) -> subprocess.CompletedProcess[str]:
        """Run schemathesis as one caller, on what a document says."""
        who = CALLERS[caller]
        url = self.running.url
        words = [
            *(str(self.python.parent / "schemathesis"), "run"),
            *(url + DOCUMENTS[document], "--url", url),
            *("--tls-verify", str(self.running.options.service_certificate)),
            *("--exclude-checks", ",".join(LEFT_OUT)),
            *("--phases", "examples,coverage,fuzzing"),
            *("--seed", SEED, "--max-examples", EXAMPLES),
            *(("--max-time", SECONDS) if SECONDS else ()),
            *("--generation-database", "none", "--suppress-health-check", "all"),
            *("--warnings", "off", "--no-color", "--continue-on-failure"),
            *("--request-timeout", "20"),
        ]
        if who.certificate is not None:
            keys = self.running.options.keys(who.certificate)
            words += ["--request-cert", str(keys.certificate)]
            words += ["--request-cert-key", str(keys.private_key)]
        if who.has_token:
            words += ["-H", f"Authorization: Bearer {self.token}"]
        told: JsonObject = {"ids": {name: [*ids] for name, ids in self.ids.items()}}
        if who.signer is not None:
            keys = self.running.options.keys(who.signer)
            told["signing_key"] = str(keys.private_key)
            told["signing_certificate"] = str(keys.certificate)
        return subprocess.run(
            words,
            cwd=self.running.options.workspace,
            env={
                "PATH": os.environ.get("PATH", os.defpath),
                "PYTHONPATH": str(HERE),
                "SCHEMATHESIS_HOOKS": "openapi_hooks",
                "WHO": json.dumps(told),
            },
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S + int(SECONDS or 0),
            check=False,
        )


@contextmanager
def judged_service(workspace: Path, *, app: str = "logging") -> Iterator[Judged]:
    """Open a service with somebody of each kind; end it whatever happens."""
    python = install_locked("documents", "documents.lock", "schemathesis")
    with running_node(workspace, app=app, members=3) as running:
        issuer = Issuer("https://issuer.example", lambda: int(time.time()))
        before = [issuer.trust()]
        if app == "js_generic":
            before.append(dict(read_bundle(built()).action()))
        proposals = _open(running, before)
        yield Judged(
            running=running,
            python=python,
            token=issuer.token(sub="user0"),
            ids=_ids(running, proposals),
        )


def _open(running: Running, before: list[JsonObject]) -> list[str]:
    """Open the service; leave a proposal open, and a member who did not acknowledge."""
    options = running.options
    user = options.keys("user0").certificate.read_text()
    newcomer = options.keys("newcomer").certificate.read_text()
    with running.connect() as anybody:
        members = [
            Governance(anybody.connection, FileSigner.load(options.keys(name)))
            for name in options.members
        ]
        anybody.run(
            open_service(anybody.connection, members, users=[user], before=before)
        )
        admit: JsonObject = {"name": "set_member", "args": {"cert": newcomer}}
        admitted = anybody.run(carry(members, [admit]))
        data: JsonObject = {"member_id": members[2].member_id, "member_data": {}}
        waiting: JsonObject = {"name": "set_member_data", "args": data}
        opened = anybody.run(members[1].propose([waiting]))
        return [str(opened.proposal_id), str(admitted.proposal_id)]


def _ids(running: Running, proposals: list[str]) -> Mapping[str, list[str]]:
    options = running.options
    members, users = (
        [
            str(
                member_id(
                    Certificate.from_pem(options.keys(name).certificate.read_text())
                )
            )
            for name in names
        ]
        for names in (["member0", "member1", "newcomer"], ["user0"])
    )
    with running.connect() as anybody:
        node = anybody.get("/node/state").object()["node_id"]
        committed = anybody.get("/node/commit").object()["transaction_id"]
    nodes = [str(node)]
    return {
        "memberId": members,
        "member_id": members,
        "nodeId": nodes,
        "node_id": nodes,
        "proposalId": proposals,
        "proposal_id": proposals,
        "transactionId": [str(committed)],
        "userId": users,
    }
