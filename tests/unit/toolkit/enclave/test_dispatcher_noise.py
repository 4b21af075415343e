"""Whatever a host says, in any order, it gets what the rules say or nothing."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccfpy.base.errors import CcfpyError
from ccfpy.boundary.shape import BoundaryViolation
from ccfpy.boundary.wire import HEADER_BYTES, FrameReader
from ccfpy.enclave.loop import Defect
from ccfpy.toolkit.interfaces import UntrustedTime
from ccfpy.toolkit.interfaces.messages import (
    Denied,
    Destroy,
    Initialize,
    OcallFailed,
    Run,
)
from tests.fuzz.mutations import damaged
from tests.unit.toolkit.enclave.driven import INTERFACE, Driven, enclave

WORDS = (CcfpyError, Defect)
"""What may come of words that the interface has: violations, and the enclave's end."""


def _spoken() -> list[bytes]:
    driven = Driven()
    said = [
        [Initialize(schema=INTERFACE.schema_digest), Run()],
        [driven.calling("plain", 1), driven.calling("keep", b"note")],
        [driven.answering("store", 1, 7), driven.calling("confirm", b"x", of=1)],
        [OcallFailed(ocall=1, word="full"), driven.calling("refuse", "no")],
        [driven.calling("when"), Destroy()],
        [driven.answering("now", 1, UntrustedTime(claimed_unix_us=1))],
    ]
    return [INTERFACE.events.encode(batch)[HEADER_BYTES:] for batch in said]


SPOKEN = _spoken()


@settings(deadline=None)
@given(data=st.data())
def test_what_was_damaged_on_the_way_is_read_or_refused(data: st.DataObject) -> None:
    driven = Driven().begin()
    body = data.draw(damaged(SPOKEN))
    try:
        events = INTERFACE.events.decode(body)
    except BoundaryViolation:
        return
    try:
        driven.say(*events)
    except WORDS:
        return
    assert INTERFACE.effects.decode(
        INTERFACE.effects.encode(driven.said)[HEADER_BYTES:]
    )


@settings(deadline=None)
@given(data=st.binary(max_size=200), cut=st.integers(0, 200))
def test_noise_is_frames_or_a_violation(data: bytes, cut: int) -> None:
    reader = FrameReader(INTERFACE.frame_bytes_max)
    try:
        for part in (data[:cut], data[cut:]):
            for body in reader.feed(part):
                INTERFACE.events.decode(body)
    except BoundaryViolation:
        return
    assert len(data) < HEADER_BYTES + INTERFACE.frame_bytes_max


@pytest.mark.slow
@settings(deadline=None)
@given(data=st.data(), most=st.integers(1, 3), waiting=st.integers(0, 3))
def test_whatever_the_order_every_call_is_answered_once(
    data: st.DataObject, most: int, waiting: int
) -> None:
    limits = {"calls_at_once_max": most, "calls_waiting_max": waiting}
    driven = Driven(enclave=enclave(calls_within_max=2, **limits)).begin()
    dispatcher = driven.dispatcher
    for _ in range(data.draw(st.integers(1, 30))):
        asked = sorted(dispatcher._serving)
        free = [it for it in asked if not dispatcher._serving[it].inner]
        words = ["keep", "plain", *(["answer"] if free else [])]
        words += ["confirm", "confirm_all"] if asked else []
        match data.draw(st.sampled_from(words)):
            case "answer":
                driven.say(driven.answering("store", data.draw(_one_of(free)), 1))
            case "plain":
                driven.call("plain", 1)
            case "keep":
                driven.call("keep", b"x")
            case "confirm":
                driven.call("confirm", b"x", of=data.draw(_one_of(asked)))
            case _:
                driven.call("confirm_all", of=data.draw(_one_of(asked)))
        roots = [call for call in dispatcher._serving.values() if not call.within]
        assert len(roots) == dispatcher._begun <= most
        assert len(dispatcher._waiting) <= waiting
    while dispatcher._serving:
        free = [no for no, call in dispatcher._serving.items() if not call.inner]
        driven.say(driven.answering("store", free[0], 1))
    answers = {bound.answer for bound in INTERFACE.trusted}
    told: list[Any] = [
        it.call if isinstance(it, Denied) else it.number  # type: ignore[attr-defined]  # an answer
        for it in driven.said
        if isinstance(it, Denied) or type(it) in answers
    ]
    assert sorted(told) == list(range(1, driven.last + 1))


def _one_of(numbers: list[int]) -> st.SearchStrategy[int]:
    return st.sampled_from(numbers)
