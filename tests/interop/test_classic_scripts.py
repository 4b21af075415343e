"""A member governs as scripts for CCF 4 to 6 do: curl, jq and CCF's signer.

What such scripts have in common: the state digest is asked for with the member's
certificate and no body, printed anew by jq and signed whole; of what is answered only
the proposal's id is read.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Running, running_node
from tests.interop.environments import Tools, missing

NEEDED = ("curl", "jq", "openssl")
SCRIPT = r"""
set -eu -o pipefail
call() { curl --silent --show-error --fail --cacert "$TRUST" "$@"; }
sign() {
    ccf_cose_sign1 --ccf-gov-msg-type "$1" --ccf-gov-msg-created_at "$(date -uIs)" \
        --signing-key "$KEY" --signing-cert "$CERT" --content "$2" "${@:3}"
}
post() {
    call -X POST "$URL/gov/$1" -H "Content-Type: application/cose" --data-binary @-
}

call -X POST "$URL/gov/ack/update_state_digest" --cert "$CERT" --key "$KEY" \
    | jq . > digest
sign ack digest | post ack

echo '{"actions": [{"name": "set_recovery_threshold",
                    "args": {"recovery_threshold": 1}}]}' > proposal
echo '{"ballot": "export function vote (p, who) { return true }"}' > ballot
id=$(sign proposal proposal | post proposals | jq -r .proposal_id)
call "$URL/gov/proposals" | jq -e --arg id "$id" '.[$id].state == "Open"' > /dev/null
sign ballot ballot --ccf-gov-msg-proposal_id "$id" | post "proposals/$id/ballots" \
    | jq -r .state
call "$URL/gov/members" | jq -r 'map(.status) | join(" ")'
call "$URL/gov/kv/service/config" | jq .recovery_threshold
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A service of one member, open."""
    if absent := [name for name in NEEDED if shutil.which(name) is None]:
        missing(f"scripts need {' and '.join(absent)}")
    with running_node(tmp_path) as node:
        node.open([])
        yield node


def test_a_script_governs(running: Running, tools: Tools, tmp_path: Path) -> None:
    keys = running.options.keys("member0")
    done = subprocess.run(
        ["bash", "-c", SCRIPT],
        cwd=tmp_path,
        env={
            "PATH": f"{tools.bin}{os.pathsep}{os.environ['PATH']}",
            "URL": running.url,
            "TRUST": str(running.options.service_certificate),
            "CERT": str(keys.certificate),
            "KEY": str(keys.private_key),
        },
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert done.stdout.split() == ["Accepted", "Active", "1"]
