import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ccfpy.base.errors import Malformed
from ccfpy.base.ids import TxId
from ccfpy.client.errors import ClientError, UnexpectedReply, Unreachable
from ccfpy.client.survey import Answer, Heard, NodeReport, Survey, read_node, survey
from tests.attacks import attack
from tests.unit.client.conftest import Serve
from tests.unit.client.networked import UNTIL, Service, answered, node_id, reported

if TYPE_CHECKING:
    from ccfpy.base.json import JsonObject


def _survey(*nodes: NodeReport) -> Survey:
    return Survey(status="Open", valid_until=UNTIL, nodes=nodes)


OLD = answered(leads=True, view=2, seqno=7, names="a")
NEW = answered(leads=True, view=3, seqno=9, names="b")
CUT_OFF = answered(leads=True, view=99, seqno=7, names="a")
FOLLOWS_OLD = answered(view=2, seqno=7, names="a")
FOLLOWS_NEW = answered(view=3, seqno=9, names="b")


@pytest.mark.parametrize(
    ("answers", "primary", "behind"),
    [
        ({"b": NEW, "c": FOLLOWS_NEW}, "b", ""),
        ({"a": OLD, "b": NEW, "c": FOLLOWS_NEW}, "b", "a"),
        ({"a": CUT_OFF, "b": NEW, "c": FOLLOWS_NEW}, "b", "a"),
        ({"a": OLD, "b": NEW}, "b", "a"),
        ({"a": OLD, "b": NEW, "c": FOLLOWS_OLD, "d": FOLLOWS_OLD}, "a", "b"),
        ({"a": FOLLOWS_OLD, "b": NEW, "c": FOLLOWS_NEW}, "b", "a"),
        ({"a": FOLLOWS_OLD, "c": FOLLOWS_OLD}, None, ""),
        ({"a": CUT_OFF}, "a", ""),
        ({}, None, ""),
    ],
)
def test_the_primary_is_the_leader_that_others_name(
    answers: dict[str, Answer], primary: str | None, behind: str
) -> None:
    nodes = [reported(letter, answers.get(letter)) for letter in "abcd"]
    for order in (nodes, nodes[::-1]):
        seen = _survey(*order)
        assert (seen.primary and seen.primary.id[0]) == primary
        found = sorted(node.id[0] for node in order if seen.is_behind(node))
        assert "".join(found) == behind


def test_the_list_is_that_of_who_has_committed_most(
    serve: Serve, service_pem: str
) -> None:
    """A retired node that still runs may be in a later view: it commits nothing."""
    retired = Service(certificate=service_pem, view=99, commit="2.7")
    current = Service(certificate=service_pem, statuses={"b": "Trusted"})

    async def ask(*, is_behind_first: bool, is_alone: bool) -> Survey:
        async with serve(retired.answer) as old, serve(current.answer) as new:
            retired.statuses = {"a": "Trusted", "b": "Trusted"}
            current.statuses = {"a": "Trusted", "b": "Retired"}
            for service in (retired, current):
                service.address = new.removeprefix("https://")
            retired.addresses = {"b": old.removeprefix("https://")}
            current.addresses = {"b": "127.0.0.1:1"}
            current.looks_until_removable = 0
            urls = [old, new] if is_behind_first else [new, old]
            return await survey(
                [old] if is_alone else urls, service_certificate=service_pem
            )

    for first, alone in ((True, False), (False, False), (True, True)):
        seen = asyncio.run(ask(is_behind_first=first, is_alone=alone))
        statuses = {node.id[0]: node.status for node in seen.nodes}
        assert statuses == {"a": "Trusted", "b": "Retired"}
        assert seen.primary is seen.find(node_id("a"))


HOSTILE = ("h]x:[1", "[/x]y:1", "\x1b]0;owned\x07:1", "a b:1", "", "a:0")


@attack("join: an address at which a stranger waits for operators")
def test_a_node_that_is_not_trusted_is_not_asked(
    serve: Serve, service_pem: str
) -> None:
    service = Service(certificate=service_pem, statuses={"a": "Trusted"})
    asked: list[asyncio.StreamReader] = []

    async def accept(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        asked.append(reader)

    async def ask() -> Survey:
        stranger = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = stranger.sockets[0].getsockname()[1]
        async with stranger, serve(service.answer) as url:
            service.address = url.removeprefix("https://")
            service.addresses = {"b": f"127.0.0.1:{port}", "c": f"127.0.0.1:{port}"}
            service.statuses |= {"b": "Pending", "c": "Retired"}
            service.looks_until_removable = 0
            for letter, address in zip("defghi", HOSTILE, strict=False):
                service.statuses[letter] = "Pending"
                service.addresses[letter] = address
            return await survey([url], service_certificate=service_pem)

    seen = asyncio.run(ask())
    assert asked == []
    assert [node.id[0] for node in seen.nodes if node.answer is not None] == ["a"]
    assert len(seen.nodes) == 9
    assert seen.find(node_id("b")).trouble == "it is not trusted, and was not asked"


@attack("join: an address that is none")
def test_a_trusted_node_whose_address_is_none_is_reported(
    serve: Serve, service_pem: str
) -> None:
    async def ask(address: str) -> Survey:
        service = Service(certificate=service_pem, addresses={"b": address})
        service.statuses = {"a": "Trusted", "b": "Trusted"}
        async with serve(service.answer) as url:
            service.address = url.removeprefix("https://")
            return await survey([url], service_certificate=service_pem)

    for address in HOSTILE[:3]:
        node = asyncio.run(ask(address)).find(node_id("b"))
        # The other interface of the stand-in, which refuses to be asked.
        assert (node.answer, node.url) == (None, "https://127.0.0.1:1")


def test_a_node_is_not_taken_for_another_with_the_same_address() -> None:
    twin = replace(reported("b"), interfaces={"main": "127.0.0.1:97"})
    seen = _survey(reported("a"), twin)
    with pytest.raises(ClientError, match=f"address of 2 nodes: {node_id('a')}, b"):
        seen.find("127.0.0.1:97")
    assert seen.find(twin.id) is twin


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
        statuses={"a": "Trusted", "b": "Trusted"},
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


def test_a_node_says_how_it_stands() -> None:
    answer = Answer.read(
        {"state": "PartOfNetwork", "stop_notice": True},
        {
            "details": {
                "leadership_state": "Leader",
                "current_view": 4,
                "primary_id": node_id("a"),
                "acks": {node_id("b"): {"seqno": 7, "last_received_ms": 12}},
                "configs": [{"nodes": {node_id("a"): {}, node_id("b"): {}}}],
            }
        },
        "4.17",
    )
    assert (answer.leadership, answer.view, answer.commit) == ("Leader", 4, TxId(4, 17))
    assert answer.heard == {node_id("b"): Heard(seqno=7, silent_ms=12)}
    assert answer.configurations == [[node_id("a"), node_id("b")]]
    assert answer.is_stopping


def test_a_node_that_reads_a_lost_services_state_says_how_far_it_is() -> None:
    state: JsonObject = {
        "state": "ReadingPrivateLedger",
        "last_recovered_seqno": 12,
        "recovery_target_seqno": 70,
    }
    answer = Answer.read(state, {}, "4.17")
    assert (answer.recovered, answer.recovery_target) == (12, 70)
    whole = Answer.read({"state": "PartOfNetwork"}, {}, "4.17")
    assert (whole.recovered, whole.recovery_target) == (None, None)


def test_a_node_that_has_not_joined_says_little() -> None:
    answer = Answer.read({"state": "Pending"}, {"details": None}, "0.0")
    assert (answer.state, answer.leadership, answer.view) == ("Pending", None, 0)
    assert (answer.primary, answer.commit) == (None, TxId(0, 0))
    assert not answer.configurations
    with pytest.raises(UnexpectedReply, match="state"):
        Answer.read({}, {}, "0.0")
    with pytest.raises(Malformed):
        Answer.read({"state": "Pending"}, {}, "x")


def test_a_node_is_asked_where_it_speaks_http_1() -> None:
    """C++ CCF lists interfaces by their names, whatever the order in its file."""
    listed: JsonObject = {
        "node_id": node_id("a"),
        "status": "Trusted",
        "rpc_interfaces": {
            "fast": {"published_address": "h:1", "app_protocol": "HTTP2"},
            "main": {"published_address": "h:2", "app_protocol": "HTTP1"},
        },
    }
    node = read_node(listed, {}, ())
    assert node.url == "https://h:2"
    assert node.addresses == ["h:2", "h:1"]


def test_a_node_is_asked_where_the_services_certificate_serves(
    service_pem: str,
) -> None:
    interfaces: JsonObject = {
        "plain": {
            "published_address": "h:1",
            "endorsement": {"authority": "Unsecured"},
        },
        "own": {"published_address": "h:2", "endorsement": {"authority": "Node"}},
        "main": {"published_address": "h:3"},
    }
    listed: JsonObject = {
        "node_id": node_id("a"),
        "status": "Retired",
        "rpc_interfaces": interfaces,
    }
    # Governance says so as soon as it is written, before it is committed.
    governed: dict[str, JsonObject] = {
        node_id("a"): {"retiredCommitted": True, "certificate": service_pem}
    }
    assert not read_node(listed, governed, ()).is_removable
    node = read_node(listed, governed, [node_id("a")])
    assert node.url == "https://h:3"
    assert node.addresses == ["h:3", "h:1", "h:2"]
    assert node.is_removable
    assert node.valid_until is not None


def test_a_node_may_have_no_address_and_governance_not_know_it() -> None:
    node = read_node({"node_id": node_id("a"), "status": "Pending"}, {}, ())
    assert (node.url, node.is_removable, node.valid_until) == ("", False, None)
