"""The registry has every endpoint of CCF 6's classic API, described as there."""

import pytest

from ccfpy.endpoints.declaration import Endpoint, Forwarding, Mode, Redirection
from ccfpy.gov.classic.api import ROWS
from tests.unit.gov.classic.conftest import Classic, error_of

WRITES = {
    "/ack",
    "/ack/update_state_digest",
    "/proposals",
    "/proposals/{proposal_id}/ballots",
    "/proposals/{proposal_id}/withdraw",
    "/recovery_share",
}
PRIMARYS = {"/encrypted_recovery_share/{member_id}", "/jwt_keys/all", "/recovery_share"}


def endpoints(classic: Classic) -> list[Endpoint]:
    paths = {row.path for row in ROWS}
    return [e for e in classic.governed.frontend.registry if e.path in paths]


def test_what_writes_is_posted(classic: Classic) -> None:
    posted = {e.path for e in endpoints(classic) if e.method == "POST"}
    assert posted == WRITES


def test_all_are_deprecated_and_described(classic: Classic) -> None:
    for endpoint in endpoints(classic):
        assert endpoint.operation.deprecated, endpoint.path
        assert not endpoint.operation.hidden
        assert endpoint.operation.summary.endswith("."), endpoint.path


def test_backups_hand_on_what_writes_and_what_ccf_handed_on(classic: Classic) -> None:
    for endpoint in endpoints(classic):
        goes = endpoint.method == "POST" or endpoint.path in PRIMARYS
        assert (endpoint.forwarding is Forwarding.ALWAYS) is goes, endpoint.path
        assert (endpoint.redirection is Redirection.TO_PRIMARY) is goes
        assert (endpoint.mode is Mode.READ_WRITE) is (endpoint.method == "POST")


def test_reads_are_anybodys_but_for_ones_own_share() -> None:
    assert [row.path for row in ROWS if row.auth and not row.writes] == [
        "/recovery_share"
    ]


@pytest.mark.parametrize("path", ["/members", "/kv/service/info", "/proposals"])
def test_who_takes_no_json_gets_none(classic: Classic, path: str) -> None:
    assert error_of(classic.get(path, accept="text/html"))[0] == 406
    assert classic.get(path, accept="*/*").status == 200
