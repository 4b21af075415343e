"""An application's streams: what a step may do, and what of it is done."""

from typing import Any

import pytest

from ccfpy.app import Stream
from ccfpy.base.errors import Unwritable
from ccfpy.base.ids import MemberId, NodeId, TxId, UserId
from ccfpy.endpoints.auth.all_of import CallerOfAll
from ccfpy.endpoints.auth.cert import (
    AnyCertCaller,
    MemberCertCaller,
    NodeCertCaller,
    UserCertCaller,
)
from ccfpy.endpoints.auth.jwt import JwtCaller
from ccfpy.endpoints.auth.policy import AppCaller, Identity, Nobody
from ccfpy.endpoints.context import Context
from ccfpy.endpoints.declaration import Mode
from ccfpy.endpoints.decorators import stream_endpoint_of
from ccfpy.endpoints.pending import Answer
from ccfpy.endpoints.streams import (
    Following,
    OpenStream,
    StreamOwner,
    StreamWork,
    names_of,
)
from ccfpy.http.messages import Request, Response
from ccfpy.kv.changes import WriteSet
from ccfpy.kv.maps import STRING, Map
from tests.unit.endpoints.auth.people import certificate
from tests.unit.endpoints.world import Front, StoreNode, session

TEXTS = Map("texts", STRING, STRING)


class Log(Stream):
    """Writes down what it is told, and does as it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []
        self.pauses_left = 2

    def on_open(self, ctx: Context) -> None:
        del ctx
        self.send(b"open")

    def on_data(self, ctx: Context, data: bytes) -> None:
        self.told.append(data)
        TEXTS.of(ctx.tx).put("last", data.decode())
        self.send(data)
        match data:
            case b"end":
                self.finish()
            case b"end twice":
                self.finish()
                self.finish()
            case b"send on":
                self.finish()
                self.send(b"more")
            case b"odd":
                self.finish({"a": 1})  # type: ignore[dict-item]
            case b"text":
                self.send("text")  # type: ignore[arg-type]
            case b"wait":
                ctx.answer_at_commit = lambda *_: Response(status=200)
            case b"pause":
                self.pause()
            case b"follow":
                self.follow(TEXTS, after=7)
            case _:
                pass

    def on_drained(self, ctx: Context) -> None:
        del ctx
        self.send(b"drained")
        self.pauses_left -= 1
        if self.pauses_left > 0:
            self.pause()

    def on_commit(self, ctx: Context, tx_id: TxId, writes: WriteSet) -> None:
        del ctx
        self.send(f"{tx_id.seqno}".encode())
        self.told.append((tx_id, writes))
        if tx_id.seqno == 4:
            self.pause()
        if tx_id.seqno == 2:
            self.finish({})


class World:
    """A stream that was opened, and its node."""

    def __init__(self, kind: type[Stream] = Log, mode: Mode = Mode.READ_WRITE) -> None:
        endpoint = stream_endpoint_of(kind, "/log", {"mode": mode}, ())
        self.front = Front([endpoint], StoreNode())
        self.session = session()
        self.session.active_view = 1  # of earlier answers, before the view changed
        self.opened: OpenStream | None = None

    def open(self, version: str = "2", **headers: str) -> Answer:
        request = Request(
            method="POST", path="/app/log", headers=headers, version=version
        )
        self.session.active_view = None
        answer = self.front.frontend.answer(request, self.session, "/log")
        if isinstance(answer, Response) and isinstance(answer.stream, OpenStream):
            self.opened = answer.stream
        return answer

    def step(self, work: StreamWork) -> Response:
        opened = self.opened
        assert opened is not None
        opened.expect(work)
        answer = self.front.frontend.answer_step(
            opened.match, opened.request, opened.session
        )
        assert isinstance(answer, Response)
        return answer

    def say(self, data: bytes) -> Response:
        return self.step(StreamWork(data))

    @property
    def sent(self) -> list[bytes]:
        assert self.opened is not None
        return self.opened.output.sent

    @property
    def last(self) -> str | None:
        return TEXTS.of(self.front.node.begin(read_only=True)).get("last")


@pytest.fixture
def world() -> World:
    world = World()
    world.open(**{"x-ccfpy-wait-for-commit": "30"})
    return world


def test_a_stream_begins_with_its_headers_and_what_it_sends() -> None:
    world = World()
    answer = world.open()
    assert isinstance(answer, Response)
    assert (answer.status, answer.body, answer.trailers) == (200, b"", None)
    assert answer.headers["content-type"] == "application/grpc"
    assert world.sent == [b"open"]


def test_a_stranger_is_told_from_others_by_the_address_in_each_step() -> None:
    world = World()
    world.session.origin = "10.0.0.1"
    world.open()
    assert world.opened is not None
    assert world.opened.session.origin == "10.0.0.1"
    assert world.opened.owner == StreamOwner(place="10.0.0.1")


def test_a_step_has_a_transaction_and_its_output_alone(world: World) -> None:
    assert world.say(b"one").status == 200
    assert (world.sent, world.last) == ([b"one"], "one")
    assert world.say(b"two").status == 200
    assert (world.sent, world.last) == ([b"two"], "two")


def test_the_end_finishes_a_stream_that_does_not_say_otherwise(world: World) -> None:
    assert world.step(StreamWork(b"last", is_end=True)).status == 200
    assert world.opened is not None
    assert world.sent == [b"last"]
    assert world.opened.output.has_finished
    assert world.opened.output.trailers == {"grpc-status": "0"}
    assert world.step(StreamWork(b"end", is_end=True)).status == 200


@pytest.mark.parametrize(
    "data", [b"end twice", b"send on", b"odd", b"text", b"wait", b"\xff"]
)
def test_a_step_that_does_what_it_may_not_writes_nothing(
    world: World, data: bytes
) -> None:
    world.say(b"before")
    assert world.say(data).status == 500
    assert world.last == "before"
    assert len(world.front.unhandled) == 1


def test_news_come_in_order_until_the_stream_finishes(world: World) -> None:
    news = [(TxId(2, seqno), {"texts": {b"k": b"v"}}) for seqno in (1, 2, 3)]
    assert world.step(StreamWork(news=news)).status == 200
    assert world.opened is not None
    assert world.opened.output.has_finished
    assert world.opened.output.trailers == {}


def test_the_end_waits_while_a_stream_pauses(world: World) -> None:
    world.step(StreamWork(b"pause", is_end=True))
    assert world.opened is not None
    assert not world.opened.output.has_finished
    world.step(StreamWork(is_drained=True))
    assert (world.sent, world.opened.output.has_finished) == ([b"drained"], False)
    world.step(StreamWork(is_drained=True))
    assert (world.sent, world.opened.output.has_finished) == ([b"drained"], True)


def test_news_wait_while_a_stream_pauses(world: World) -> None:
    news = [(TxId(2, seqno), {"texts": {b"k": b"v"}}) for seqno in (3, 4, 5)]
    world.step(StreamWork(news=news))
    assert world.sent == [b"3", b"4"]
    world.step(StreamWork(is_drained=True))
    assert world.sent == [b"drained"]
    world.step(StreamWork(is_drained=True))
    assert world.sent == [b"drained", b"5"]


def test_no_pause_keeps_a_stream_from_the_end_of_a_client_that_has_gone(
    world: World,
) -> None:
    world.say(b"pause")
    world.step(StreamWork(b"last", is_end=True, is_drained=True, has_gone=True))
    assert world.opened is not None
    assert world.sent == [b"drained", b"last"]
    assert world.opened.output.has_finished


def test_a_stream_says_what_it_follows(world: World) -> None:
    world.say(b"follow")
    assert world.opened is not None
    assert world.opened.output.following == Following(frozenset({"texts"}), 7)


def test_nothing_is_sent_between_two_steps() -> None:
    with pytest.raises(RuntimeError):
        Log().send(b"now")


def test_a_step_is_bound_to_no_view(world: World) -> None:
    world.say(b"one")
    world.front.node.view = 9
    assert world.say(b"two").status == 200
    assert world.session.active_view == 2, "that is for other requests"


def test_a_step_that_conflicts_runs_once_and_writes_nothing(world: World) -> None:
    node, begin = world.front.node, world.front.node.begin
    rivals = [b"rival"]

    def begin_beside_a_rival(*, read_only: bool) -> Any:  # noqa: ANN401
        tx = begin(read_only=read_only)
        if rivals:
            rival = begin(read_only=False)
            TEXTS.of(tx).get("last")
            TEXTS.of(rival).put("last", rivals.pop().decode())
            node.commit(rival, None)
        return tx

    node.begin = begin_beside_a_rival  # type: ignore[method-assign]
    assert world.say(b"mine").status == 409
    assert world.last == "rival"
    assert world.front.frontend.conflicts == 1


def test_a_writing_step_is_refused_under_pressure(world: World) -> None:
    world.front.node.at_capacity = True
    assert world.say(b"one").status == 503
    assert world.last is None


def test_a_stream_that_writes_is_the_primarys() -> None:
    world = World()
    world.front.node.is_primary = False
    answer = world.open()
    assert isinstance(answer, Response)
    assert answer.status == 503
    reading = World(mode=Mode.READ_ONLY)
    reading.front.node.is_primary = False
    answer = reading.open()
    assert isinstance(answer, Response)
    assert answer.status == 200


def test_a_stream_answers_by_http_2_alone() -> None:
    answer = World().open(version="1.1")
    assert isinstance(answer, Response)
    assert answer.status == 501


def test_headers_that_cannot_be_sent_are_a_defect() -> None:
    class Odd(Stream):
        def on_open(self, ctx: Context) -> None:
            del ctx
            self.headers = {1: "a"}  # type: ignore[dict-item]

    world = World(Odd)
    answer = world.open()
    assert isinstance(answer, Response)
    assert answer.status == 500
    assert isinstance(world.front.unhandled[0], Unwritable)


def _jwt(**payload: str) -> JwtCaller:
    return JwtCaller(key_issuer="issuer", header={}, payload={**payload})


@pytest.mark.parametrize(
    ("caller", "names"),
    [
        (None, ()),
        (Nobody(), ()),
        (UserCertCaller(user_id=UserId("u")), ("user_cert", "u")),
        (MemberCertCaller(member_id=MemberId("m")), ("member_cert", "m")),
        (NodeCertCaller(node_id=NodeId("n")), ("node_cert", "n")),
        (_jwt(sub="s"), ("jwt", "issuer", "s")),
        (_jwt(), ("jwt", "issuer", "None")),
        (AppCaller(policy="badge", id="7"), ("badge", "7")),
        (
            CallerOfAll(
                policy="badge+jwt",
                identities={
                    "badge": AppCaller(policy="badge", id="7"),
                    "jwt": _jwt(sub="s"),
                    "no_auth": Nobody(),
                },
            ),
            ("badge", "7", "jwt", "issuer", "s"),
        ),
    ],
)
def test_a_stream_is_its_callers_and_no_strangers(
    caller: Identity | None, names: tuple[str, ...]
) -> None:
    assert names_of(caller) == names


def test_certificates_that_nobody_vouches_for_are_strangers() -> None:
    assert names_of(AnyCertCaller(certificate=certificate())) == ()
