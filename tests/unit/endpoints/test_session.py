import re

import pytest

from ccfpy.endpoints.session import InterfaceRules


@pytest.mark.parametrize(
    ("is_unsecured", "patterns", "is_accepted"),
    [
        (False, None, True),
        (True, None, False),
        (False, (), False),
        (False, ("/app/.*",), True),
        (True, ("/app/.*",), True),
        (False, ("/app/no", "/app"), False),
        (False, ("/node/.*", "/app/notes/.*"), True),
    ],
)
def test_an_interface_accepts_what_its_rules_match_wholly(
    is_unsecured: bool, patterns: tuple[str, ...] | None, is_accepted: bool
) -> None:
    interface = InterfaceRules(
        name="main",
        unsecured=is_unsecured,
        accepted_endpoints=None
        if patterns is None
        else tuple(re.compile(pattern) for pattern in patterns),
    )
    assert interface.accepts("/app/notes/{note}") is is_accepted
