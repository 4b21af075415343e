"""Only the page that a console served, opened by who started it, is answered."""

from collections.abc import Mapping

import pytest

from ccfpy.console.guards import HEADERS, Guard, Refused

HOST = "127.0.0.1:8080"
TOKEN = "secret"
GUARD = Guard(host=HOST, token=TOKEN)
OWN = {"Host": HOST, "Authorization": f"Bearer {TOKEN}"}
SENT = {**OWN, "Origin": f"http://{HOST}"}


def _status(
    headers: Mapping[str, str], *, method: str = "GET", path: str = "/api/start"
) -> Refused | None:
    refusal = GUARD.refusal(method, path, headers)
    assert refusal is None or refusal.reason
    return None if refusal is None else refusal.status


@pytest.mark.parametrize(
    ("headers", "method", "path"),
    [
        ({"Host": HOST}, "GET", "/"),
        ({"Host": HOST, "Sec-Fetch-Site": "cross-site"}, "GET", "/"),
        (OWN, "GET", "/api/start"),
        ({**OWN, "Sec-Fetch-Site": "same-origin"}, "GET", "/api/start"),
        (SENT, "POST", "/api/proposals/ab/vote"),
    ],
)
def test_its_own_page_is_answered(
    headers: Mapping[str, str], method: str, path: str
) -> None:
    assert _status(headers, method=method, path=path) is None


@pytest.mark.parametrize(
    "host",
    [
        "localhost:8080",
        "127.0.0.1",
        "127.0.0.1:8081",
        "127.0.0.1.evil.example:8080",
        "evil.example",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/start"])
def test_another_host_is_misdirected(host: str, path: str) -> None:
    """A name that an attacker lets point to this machine is not the console's."""
    assert _status({**OWN, "Host": host}, path=path) is Refused.MISDIRECTED


def test_no_host_is_misdirected() -> None:
    assert _status({}) is Refused.MISDIRECTED


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "https://127.0.0.1:8080",
        "http://127.0.0.1:8081",
        f"http://{HOST}.evil.example",
        "http://evil.example",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_another_origin_is_forbidden(origin: str, method: str) -> None:
    assert _status({**OWN, "Origin": origin}, method=method) is Refused.FORBIDDEN


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_change_names_its_origin(method: str) -> None:
    assert _status(OWN, method=method) is Refused.FORBIDDEN


@pytest.mark.parametrize("site", ["cross-site", "same-site", "other"])
def test_another_site_is_forbidden(site: str) -> None:
    assert _status({**OWN, "Sec-Fetch-Site": site}) is Refused.FORBIDDEN


@pytest.mark.parametrize(
    "shown", ["", "Bearer", "Bearer ", TOKEN, f"Bearer {TOKEN}x", "Bearer \udcff"]
)
def test_an_answer_needs_the_token(shown: str) -> None:
    assert _status({**OWN, "Authorization": shown}) is Refused.UNAUTHORIZED
    assert _status({"Host": HOST}) is Refused.UNAUTHORIZED


def test_the_page_may_run_its_own_script_alone() -> None:
    policy = HEADERS["content-security-policy"].split("; ")
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "require-trusted-types-for 'script'" in policy
    assert not any("unsafe" in each or "*" in each for each in policy)
