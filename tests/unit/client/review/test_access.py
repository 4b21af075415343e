"""A proposal that lets more callers in says so."""

import pytest

from ccfpy.base.json import Json, dumps
from ccfpy.client.review.access import wider_access
from ccfpy.kv.store import Store
from ccfpy.service.tables import js

KEY = b"GET /accounts"


def _warned(was: Json, would_be: Json) -> list[str]:
    store = Store()
    store.apply(1, {js.ENDPOINTS.name: {KEY: dumps(was)} if was else {}})
    writes = {js.ENDPOINTS.name: {KEY: dumps(would_be) if would_be else None}}
    facts = list(wider_access(store, writes))
    assert all(fact.is_warning and fact.label == "GET /accounts" for fact in facts)
    return [fact.text for fact in facts]


def _asks(*policies: Json, mode: str = "readwrite") -> Json:
    return {"authn_policies": list(policies), "mode": mode}


ALL_OF: Json = {"all_of": ["user_cert", "jwt"]}


@pytest.mark.parametrize(
    ("was", "would_be", "said"),
    [
        (
            _asks("user_cert"),
            _asks("no_auth"),
            (
                "may be called by anybody, without a certificate or a token; "
                "today by user_cert"
            ),
        ),
        (
            _asks("user_cert", "jwt"),
            _asks(),
            (
                "may be called by anybody, without a certificate or a token; "
                "today by user_cert or jwt"
            ),
        ),
        (
            _asks(ALL_OF),
            _asks("jwt"),
            'may be called by jwt; today by {"all_of":["user_cert","jwt"]}',
        ),
        (
            _asks("user_cert"),
            _asks("user_cert", "any_cert"),
            "may be called by user_cert or any_cert; today by user_cert",
        ),
        (
            None,
            _asks("no_auth"),
            "new, and may be called by anybody, without a certificate or a token",
        ),
        (
            _asks("jwt", mode="readonly"),
            _asks("jwt"),
            "may write; today it only reads",
        ),
    ],
)
def test_more_callers_or_more_effects_are_a_warning(
    was: Json, would_be: Json, said: str
) -> None:
    assert _warned(was, would_be) == [said]


@pytest.mark.parametrize(
    ("was", "would_be"),
    [
        (_asks("user_cert"), _asks("user_cert")),
        (_asks("user_cert", "jwt"), _asks("jwt")),
        (_asks("no_auth"), _asks("no_auth", "jwt")),
        (_asks("no_auth"), _asks("user_cert")),
        (_asks("jwt"), _asks("jwt", mode="readonly")),
        (_asks("jwt"), None),
        (None, _asks("user_cert")),
    ],
)
def test_no_more_callers_are_none(was: Json, would_be: Json) -> None:
    assert _warned(was, would_be) == []


def test_a_row_of_another_form_is_as_open_as_one_without_policies() -> None:
    store = Store()
    writes = {js.ENDPOINTS.name: {b"GET /\x1b": b"3"}}
    (fact,) = wider_access(store, writes)
    assert fact.label == "GET /\\x1b"
    assert "anybody" in fact.text
