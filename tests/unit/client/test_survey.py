import asyncio

import pytest

from ccfpy.client.errors import ClientError, Unreachable
from ccfpy.client.node_report import NodeReport
from ccfpy.client.survey import Survey, survey
from tests.unit.client.conftest import Serve
from tests.unit.client.networked import UNTIL, Service, answered, node_id, reported


def _survey(*nodes: NodeReport) -> Survey:
    return Survey(status="Open", valid_until=UNTIL, nodes=nodes)


def test_the_primary_is_who_leads_in_the_latest_view() -> None:
    old = reported("a", answered(leads=True, view=2))
    new = reported("b", answered(leads=True, view=3))
    assert _survey(old, new).primary is new
    assert _survey(reported("a", answered()), reported("b")).primary is None


@pytest.mark.parametrize(
    ("letters", "configurations", "is_majority"),
    [
        ("abc", ["abc"], True),
        ("ab", ["abc"], True),
        ("a", ["abc"], False),
        ("a", ["a"], True),
        ("ab", ["abcd"], False),
        ("abc", ["abc", "cde"], False),
        ("abcd", ["abc", "cde"], True),
    ],
)
def test_a_majority_of_each_configuration_must_answer(
    letters: str, configurations: list[str], *, is_majority: bool
) -> None:
    leads = answered(leads=True, configurations=configurations)
    nodes = [reported("a", leads)]
    nodes += [reported(letter, answered()) for letter in letters[1:]]
    nodes += [reported(letter) for letter in "abcde" if letter not in letters]
    assert _survey(*nodes).has_majority is is_majority
    assert not _survey(reported("a")).has_majority


def test_a_majority_needs_no_primary() -> None:
    nodes = [reported(letter, answered()) for letter in "ab"]
    assert _survey(*nodes, reported("c")).has_majority
    assert not _survey(nodes[0], reported("b"), reported("c")).has_majority


def test_lag_and_silence_are_the_primarys_to_tell() -> None:
    primary = reported("a", answered(leads=True, seqno=20, heard={"b": 40}))
    behind, ahead = reported("b", answered(seqno=15)), reported("c", answered(seqno=21))
    seen = _survey(primary, behind, ahead, reported("d"))
    assert [seen.lag(node) for node in seen.nodes] == [0, 5, 0, None]
    assert [seen.silent_ms(node) for node in seen.nodes] == [None, 40, None, None]
    alone = _survey(behind)
    assert (alone.lag(behind), alone.silent_ms(behind)) == (None, None)


def test_a_node_is_named_by_the_beginning_of_its_id_or_its_address() -> None:
    seen = _survey(reported("a"), reported("b"))
    assert seen.find("aaa").id == node_id("a")
    assert seen.find("127.0.0.1:98").id == node_id("b")
    with pytest.raises(ClientError, match="no node begins with 'c': there is"):
        seen.find("c")
    with pytest.raises(ClientError, match="'' fits 2 nodes, "):
        seen.find("")


def test_every_node_is_asked_and_one_that_is_down_is_reported(
    serve: Serve, service_pem: str, unused_port: int
) -> None:
    service = Service(
        certificate=service_pem,
        statuses={"a": "Trusted", "b": "Pending"},
        addresses={"b": f"127.0.0.1:{unused_port}"},
        has_governance=False,
    )

    async def ask() -> Survey:
        async with serve(service.answer) as url:
            service.address = url.removeprefix("https://")
            urls = [f"https://127.0.0.1:{unused_port}", url]
            return await survey(urls, service_certificate=service_pem)

    seen = asyncio.run(ask())
    by_id = {node.id: node for node in seen.nodes}
    assert seen.primary is by_id[node_id("a")]
    assert seen.silent_ms(by_id[node_id("b")]) == 40
    assert by_id[node_id("b")].answer is None
    assert "no answer" in by_id[node_id("b")].trouble
    assert not seen.has_majority


def test_a_service_that_nobody_answers_for_is_unreachable(
    service_pem: str, unused_port: int
) -> None:
    url = f"https://127.0.0.1:{unused_port}"
    for urls in ([url], []):
        with pytest.raises(Unreachable, match="no a"):
            asyncio.run(survey(urls, service_certificate=service_pem))
