"""A member proposes, and hands in a share, with keys of the console's machine."""

import asyncio
import base64
from collections.abc import Awaitable, Callable

import pytest

from ccfpy.console.signing import Pen
from ccfpy.testing.node import InProcessNode
from ccfpy.testing.recovery import ask_for_shares
from tests.unit.client.conftest import Serve
from tests.unit.console.recovered import ALICE, BOB, pen_of, recovering_node
from tests.unit.console.served import Answer, Page, console_of

Act = Callable[[Page], Awaitable[Answer]]
SHARE = "/api/recovery/share"


@pytest.fixture
def node() -> InProcessNode:
    return recovering_node()


@pytest.fixture
def waiting(node: InProcessNode) -> InProcessNode:
    """The node once members have voted to go on."""
    assert ask_for_shares(node).status == 200
    return node


@pytest.fixture
def act(serve: Serve, service_pem: str) -> Callable[..., Answer]:
    """Act at a console's page, by a pen."""

    def acted(node: InProcessNode, pen: Pen | None, acts: Act) -> Answer:
        async def main() -> Answer:
            async with console_of(node, serve, service_pem, pen) as page:
                return await acts(page)

        return asyncio.run(main())

    return acted


def test_a_member_proposes_to_go_on(
    node: InProcessNode, act: Callable[..., Answer]
) -> None:
    made = act(node, pen_of(ALICE), lambda page: page.ask("/api/recovery/proposal", {}))
    assert made.status == 200, made.value
    path = f"/gov/members/proposals/{made.value['id']}/actions"
    told = node.request("GET", f"{path}?api-version=2024-07-01").body
    assert b'"transition_service_to_open"' in told


def test_a_share_is_handed_in_once(
    waiting: InProcessNode, act: Callable[..., Answer]
) -> None:
    async def twice(page: Page) -> Answer:
        first = await page.ask(SHARE, {})
        assert first.status == 200, first.value
        assert first.value["message"].startswith("1/2 recovery shares")
        return await page.ask(SHARE, {})

    again = act(waiting, pen_of(ALICE, ALICE), twice)
    assert again == Answer(
        409, {"error": "your share is there already: once is enough"}
    )


@pytest.mark.parametrize(
    ("pen", "words"),
    [
        (pen_of(ALICE, BOB), "does not open the share"),
        (pen_of(ALICE), "the key that opens the share is not here"),
        (None, "this console only reads"),
    ],
)
def test_who_cannot_open_a_share_hands_in_none(
    waiting: InProcessNode, act: Callable[..., Answer], pen: Pen | None, words: str
) -> None:
    refused = act(waiting, pen, lambda page: page.ask(SHARE, {}))
    assert refused.status == 409
    assert words in refused.value["error"]
    standing = waiting.request("GET", "/gov/ccfpy/recovery").body
    assert b'"submittedMembers":[]' in standing


def test_before_the_vote_no_share_is_taken(
    node: InProcessNode, act: Callable[..., Answer]
) -> None:
    refused = act(node, pen_of(ALICE, ALICE), lambda page: page.ask(SHARE, {}))
    assert refused.status == 502
    assert "not waiting for recovery shares" in refused.value["error"]


def test_a_page_with_keys_of_its_own_gets_a_share_to_open(
    waiting: InProcessNode, act: Callable[..., Answer]
) -> None:
    got = act(waiting, None, lambda page: page.ask(f"{SHARE}/{BOB.id}"))
    assert BOB.encryption_key is not None
    assert BOB.encryption_key.unwrap(base64.b64decode(got.value["share"]))
    nobody = act(waiting, None, lambda page: page.ask(f"{SHARE}/{'0' * 64}"))
    assert nobody.status == 502
    for wrong in ("0" * 65, "..%2f..%2fnode"):
        refused = act(waiting, None, lambda page, id_=wrong: page.ask(f"{SHARE}/{id_}"))
        assert refused.status == 400
