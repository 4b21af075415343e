"""The content of an application's tables, ready to run."""

import pytest

from ccfpy.base.ids import Seqno
from ccfpy.endpoints.auth import AllOf
from ccfpy.endpoints.declaration import Forwarding, Mode, Redirection
from ccfpy.http.errors import ApiError
from ccfpy.http.messages import Response
from ccfpy.js.serving.code import Code
from ccfpy.js.serving.scripts import Scripts
from ccfpy.js.serving.tables import GOVERNED
from ccfpy.kv.store import Store
from ccfpy.service.tables.js import EndpointKey
from tests.unit.endpoints.world import StoreNode, context_of
from tests.unit.js.serving.installed import of_f

GET = EndpointKey("GET", "/x")


def code() -> Code:
    return Code(
        Scripts(tables=GOVERNED), lambda _, __: lambda ___: Response(status=200)
    )


def put(store: Store, key: bytes, value: bytes) -> None:
    tx = store.begin()
    tx.raw(GOVERNED.endpoints.name).put(key, value)
    store.commit(tx)


def test_every_property_of_an_endpoint_counts() -> None:
    store = Store()
    tx = store.begin()
    properties = of_f(
        authn_policies=["user_cert", {"all_of": ["jwt", "user_cose_sign1"]}],
        mode="readonly",
        redirection_strategy="to_backup",
    )
    GOVERNED.endpoints.of(tx).put(GET, properties)
    store.commit(tx)
    found = code().routes(store.begin()).find("GET", "/x")
    assert found is not None
    endpoint = found.endpoint
    assert endpoint.mode is Mode.READ_ONLY
    assert endpoint.forwarding is Forwarding.ALWAYS
    assert endpoint.redirection is Redirection.TO_BACKUP
    assert [policy.name for policy in endpoint.auth] == [
        "user_cert",
        "jwt+user_cose_sign1",
    ]
    assert isinstance(endpoint.auth[1], AllOf)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ("nobody", "Unknown auth policy: nobody"),
        ("member_cose_sign1", "Unknown auth policy: member_cose_sign1"),
        ({"all_of": ["jwt", "nobody"]}, "Unknown auth policy: nobody"),
        ({"all_of": []}, "Unsupported auth policy. "),
        ({"all_of": ["jwt", 1]}, "Unsupported auth policy. "),
        ({"all_of": ["jwt", "jwt"]}, "Unsupported auth policy. "),
        ({"any_of": ["jwt"]}, "Unsupported auth policy. "),
        (5, "Unsupported auth policy. "),
    ],
)
def test_an_endpoint_that_cannot_be_served_says_why(
    policy: object, message: str
) -> None:
    store = Store()
    tx = store.begin()
    GOVERNED.endpoints.of(tx).put(GET, of_f(authn_policies=[policy]))
    store.commit(tx)
    found = code().routes(store.begin()).find("GET", "/x")
    assert found is not None
    with pytest.raises(ApiError) as caught:
        found.endpoint.handler(context_of(StoreNode()))
    assert caught.value.status == 500
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(
    ("openapi", "is_counted"),
    [
        ({"x-ccfpy-metrics": True}, True),
        ({"x-ccfpy-metrics": "yes"}, False),
        ({}, False),
        (None, False),
        ([], False),
    ],
)
def test_an_endpoint_is_counted_apart_if_its_description_says_so(
    *, openapi: object, is_counted: bool
) -> None:
    store = Store()
    tx = store.begin()
    GOVERNED.endpoints.of(tx).put(GET, of_f(openapi=openapi))
    store.commit(tx)
    found = code().routes(store.begin()).find("GET", "/x")
    assert found is not None
    assert found.endpoint.is_counted is is_counted


def test_records_that_are_none_hide_no_others() -> None:
    store = Store()
    good = GOVERNED.endpoints.value_codec.encode(of_f())
    put(store, b"GET /x", good)
    put(store, b"nonsense", good)
    put(store, b"GET /open{brace", good)
    put(store, b"GET /unreadable", b"{")
    routes = code().routes(store.begin())
    assert routes.find("GET", "/x") is not None
    assert routes.find("GET", "/open{brace") is None
    broken = routes.find("GET", "/unreadable")
    assert broken is not None
    with pytest.raises(ApiError):
        broken.endpoint.handler(context_of(StoreNode()))


def test_nothing_is_read_again_while_nothing_changes() -> None:
    store, ready = Store(), code()
    write(store, "1")
    library, routes = ready.library(store.begin()), ready.routes(store.begin())
    assert library.sources == {"/m.js": "1"}
    assert ready.library(store.begin()) is library
    assert ready.routes(store.begin()) is routes
    write(store, "2")
    assert ready.library(store.begin()).sources == {"/m.js": "2"}


def test_code_that_was_taken_back_is_not_served() -> None:
    store, ready = Store(), code()
    first = write(store, "1")
    write(store, "2")
    assert ready.library(store.begin()).sources == {"/m.js": "2"}
    store.rollback(first)
    assert ready.library(store.begin()).sources == {"/m.js": "1"}
    write(store, "3")
    assert ready.library(store.begin()).sources == {"/m.js": "3"}


def write(store: Store, source: str) -> Seqno:
    tx = store.begin()
    GOVERNED.modules.of(tx).put("/m.js", source)
    GOVERNED.endpoints.of(tx).put(GET, of_f())
    committed = store.commit(tx)
    assert committed is not None
    return committed.version
