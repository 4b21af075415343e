"""Tokens that a service takes for the issuer's, which its members trust."""

from ccfpy.testing.apps import Issuer, Service


def test_an_issuers_key_follows_from_its_name() -> None:
    one, same, other = (Issuer(name, lambda: 0) for name in ("a", "a", "b"))
    assert one.jwk() == same.jwk()
    assert one.jwk()["kid"] != other.jwk()["kid"]


def test_who_bears_a_token_is_known_by_it(service: Service) -> None:
    issuer = service.trust_issuer()
    bearer = service.bearer(issuer.token(sub="carol"))
    assert bearer.get("/app/token").json() == "carol"


def test_tokens_run_out_and_others_issuers_are_not_trusted(service: Service) -> None:
    issuer = service.trust_issuer("https://one.example")
    bearer = service.bearer(issuer.token(sub="carol"))
    late = service.bearer(issuer.token(sub="carol", exp=service.now_s - 1))
    other = Issuer("https://two.example", lambda: service.now_s)
    assert bearer.get("/app/token").status == 200
    for caller in (late, service.bearer(other.token(sub="carol")), service.anybody):
        assert caller.get("/app/token").status == 401
