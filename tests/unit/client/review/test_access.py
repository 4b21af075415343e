"""A proposal that lets more callers in says so."""

import pytest

from ccfpy.base.json import Json, dumps
from ccfpy.client.review.access import callers, wider_access
from ccfpy.client.review.description import Quote
from ccfpy.kv.store import Store
from ccfpy.service.tables import js

KEY = b"GET /accounts"


def _warned(was: Json, would_be: Json) -> list[str]:
    store = Store()
    store.apply(1, {js.ENDPOINTS.name: {KEY: dumps(was)} if was else {}})
    writes = {js.ENDPOINTS.name: {KEY: dumps(would_be) if would_be else None}}
    facts = list(wider_access(store, writes))
    assert all(fact.is_warning and fact.label == "⦅GET /accounts⦆" for fact in facts)
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
                "today only by users with a certificate"
            ),
        ),
        (
            _asks("user_cert", "jwt"),
            _asks(),
            (
                "may be called by anybody, without a certificate or a token; "
                "today only by users with a certificate or callers with a token "
                "(JWT)"
            ),
        ),
        (
            _asks(ALL_OF),
            _asks("jwt"),
            (
                "may be called by callers with a token (JWT); today only by callers "
                "who are all of: users with a certificate, callers with a token (JWT)"
            ),
        ),
        (
            _asks("user_cert"),
            _asks("user_cert", "any_cert"),
            (
                "may be called by users with a certificate or anybody with a "
                "certificate; today only by users with a certificate"
            ),
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
    assert fact.label == "⦅GET /⟦U+001B⟧⦆"
    assert "anybody" in fact.text


def test_callers_are_named_and_what_cannot_be_seen_is_shown() -> None:
    assert callers(["member_cert"]) == "members with a certificate"
    told = callers(["user_cert", "quorum\x1b"])
    assert told == (
        "users with a certificate or callers whom the policy ⦅quorum⟦U+001B⟧⦆ accepts"
    )


def test_a_warning_names_what_answers_today_and_what_the_app_says_of_it() -> None:
    was: Json = {"authn_policies": ["user_cert"], "js_module": "m.js"}
    new: Json = {"authn_policies": [], "openapi": {"summary": "reads\u202e one"}}
    store = Store()
    store.apply(1, {js.ENDPOINTS.name: {KEY: dumps(was)}})
    (fact,) = wider_access(store, {js.ENDPOINTS.name: {KEY: dumps(new)}})
    by = "the proposed app would say of it (summary)"
    assert fact.module == "/m.js"
    assert fact.quotes == (Quote(by=by, text="reads⟦U+202E⟧ one"),)
    (fact,) = wider_access(Store(), {js.ENDPOINTS.name: {KEY: dumps(new)}})
    assert fact.module == "", "a module that is not installed has no place"
