"""An enclave between its host's words and its author's functions, word by word."""

from typing import Any

import pytest

from ccfpy.base.errors import CcfpyError, ConfigurationRefused
from ccfpy.boundary.lifecycle import EnclaveStage
from ccfpy.enclave.loop import Defect
from ccfpy.toolkit.enclave import Enclave, Surroundings
from ccfpy.toolkit.interfaces import BoundaryViolation, UntrustedTime
from ccfpy.toolkit.interfaces.messages import (
    CallRefused,
    Denial,
    Denied,
    Destroy,
    Ended,
    Initialize,
    Initialized,
    OcallFailed,
    Run,
)
from tests.unit.toolkit.enclave.driven import INTERFACE, Code, Driven, Host, enclave

DIGEST = INTERFACE.schema_digest


@pytest.fixture
def driven() -> Driven:
    return Driven().begin()


# The stages.


def test_an_enclave_goes_through_its_stages_once() -> None:
    driven = Driven()
    stages = [driven.dispatcher.stage]
    said = []
    for word in (Initialize(schema=DIGEST), Run(), Destroy()):
        said += driven.say(word)
        stages.append(driven.dispatcher.stage)
    assert stages == list(EnclaveStage)
    begun, ended = said
    assert isinstance(begun, Initialized)
    assert (begun.schema, len(begun.instance)) == (DIGEST, 16)
    assert ended == Ended(refusal=None)


AT: dict[EnclaveStage, tuple[object, ...]] = {
    EnclaveStage.CREATED: (),
    EnclaveStage.INITIALIZED: (Initialize(schema=DIGEST),),
    EnclaveStage.RUNNING: (Initialize(schema=DIGEST), Run()),
    EnclaveStage.DESTROYED: (Destroy(),),
}
TAKEN_AT: dict[str, EnclaveStage] = {
    "initialize": EnclaveStage.CREATED,
    "run": EnclaveStage.INITIALIZED,
    "call": EnclaveStage.RUNNING,
    "answer": EnclaveStage.RUNNING,
    "failure": EnclaveStage.RUNNING,
}


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        (word, at)
        for word, right in TAKEN_AT.items()
        for at in EnclaveStage
        if at is not right
    ],
)
def test_what_is_said_at_another_stage_is_a_violation(
    word: str, stage: EnclaveStage
) -> None:
    driven = Driven()
    for message in AT[stage]:
        driven.say(message)
    said = {
        "initialize": Initialize(schema=DIGEST),
        "run": Run(),
        "call": driven.calling("plain", 1),
        "answer": driven.answering("store", 1, 1),
        "failure": OcallFailed(ocall=1, word=None),
    }[word]
    with pytest.raises(BoundaryViolation, match=f"to an enclave that is {stage}"):
        driven.say(said)


def test_two_runs_of_one_enclave_are_two_instances() -> None:
    driven = Driven()
    (first,) = driven.say(Initialize(schema=DIGEST))
    other = Driven(enclave=driven.enclave)
    other.dispatcher._entropy.random_bytes(1)
    (second,) = other.say(Initialize(schema=DIGEST))
    assert first.instance != second.instance


def test_a_host_with_another_interface_has_no_enclave() -> None:
    driven = Driven()
    (ended,) = driven.say(Initialize(schema="0" * 64))
    assert "build both from the same" in ended.refusal
    assert DIGEST in ended.refusal
    assert driven.dispatcher.stage is EnclaveStage.DESTROYED


def test_code_may_refuse_to_begin_and_says_why() -> None:
    def refuse(around: Surroundings[Host]) -> Code:
        del around
        raise ConfigurationRefused("nothing to begin with; bring it")

    driven = Driven(enclave=Enclave(interface=INTERFACE, code=refuse))
    (ended,) = driven.say(Initialize(schema=DIGEST))
    assert ended == Ended(refusal="nothing to begin with; bring it")


def test_code_without_a_function_of_its_interface_is_a_defect() -> None:
    class Half:
        async def plain(self, number: int) -> int:
            return number

        def keep(self, note: bytes) -> int:
            return len(note)

    half: Any = lambda around: Half()  # noqa: ARG005, E731  # wrong on purpose
    driven = Driven(enclave=Enclave(interface=INTERFACE, code=half))
    with pytest.raises(Defect, match="its code has no keep that is async def"):
        driven.say(Initialize(schema=DIGEST))


def test_what_follows_the_end_in_a_batch_is_not_done(driven: Driven) -> None:
    assert driven.say(Destroy(), driven.calling("plain", 1)) == [Ended(refusal=None)]


def test_calls_under_way_are_let_go_at_the_end(driven: Driven) -> None:
    driven.call("keep", b"note")
    assert driven.say(Destroy()) == [Ended(refusal=None)]


# Calls.


def test_a_call_is_answered_by_its_number(driven: Driven) -> None:
    assert driven.call("plain", 41) == [driven.result("plain", 1, 42)]
    assert driven.call("plain", 0) == [driven.result("plain", 2, 1)]


def test_calls_that_come_at_once_are_answered_in_order(driven: Driven) -> None:
    said = driven.say(*[driven.calling("plain", n) for n in range(3)])
    assert said == [driven.result("plain", n + 1, n + 1) for n in range(3)]


def test_a_function_may_refuse_by_a_declared_word(driven: Driven) -> None:
    assert driven.call("refuse", "not-now") == [CallRefused(call=1, word="not-now")]
    assert driven.call("plain", 1) == [driven.result("plain", 2, 2)]


def test_another_word_is_a_defect(driven: Driven) -> None:
    with pytest.raises(Defect, match="refuse refuses by an undeclared word"):
        driven.call("refuse", "maybe")


@pytest.mark.parametrize("number", [0, 1, 2])
def test_no_number_of_a_call_comes_twice_or_goes_back(
    driven: Driven, number: int
) -> None:
    driven.call("plain", 1)
    driven.call("plain", 1)
    with pytest.raises(BoundaryViolation, match=f"a call numbered {number} after 2"):
        driven.say(driven.calling("plain", 1, number=number))


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("defect", ValueError),
        ("wrong type", BoundaryViolation),
        ("out of range", BoundaryViolation),
        ("nothing", BoundaryViolation),
        ("large ocall", BoundaryViolation),
        ("wrong ocall", BoundaryViolation),
        ("no such ocall", AttributeError),
        ("exit", Defect),
        ("interrupt", Defect),
        ("await elsewhere", Defect),
    ],
)
def test_a_defect_leaves_the_enclave_without_an_answer_to_anybody(
    driven: Driven, how: str, error: type[Exception]
) -> None:
    before = driven.calling("plain", 1)
    with pytest.raises(error):
        driven.say(before, driven.calling("misbehave", how))
    assert not driven.said[1:]


def test_an_answer_where_none_is_declared_is_a_defect(driven: Driven) -> None:
    async def answers(word: str) -> int:
        return len(word)

    driven.dispatcher._functions["refuse"] = answers
    with pytest.raises(Defect, match="refuse answers where nothing is declared"):
        driven.call("refuse", "no")


# What it asks the host.


def test_a_function_asks_the_host_and_goes_on_with_the_answer(driven: Driven) -> None:
    assert driven.call("keep", b"note") == [driven.asking("store", 1, 1, b"note")]
    said = driven.say(driven.answering("store", 1, 7))
    assert said == [driven.result("keep", 1, 7)]


def test_ocalls_are_numbered_by_the_enclave(driven: Driven) -> None:
    for number in (1, 2):
        driven.call("keep", b"")
        driven.say(driven.answering("store", number, 1))
    asked = [type(it) for it in driven.said]
    assert asked.count(driven.untrusted("store").call) == 2


@pytest.mark.parametrize("word", [None, "full"])
def test_a_function_may_cope_with_a_host_that_fails(
    driven: Driven, word: str | None
) -> None:
    driven.call("cope")
    said = driven.say(OcallFailed(ocall=1, word=word))
    how = "failed" if word is None else "refused: full"
    told = f"the host's store {how} ({word})"
    assert said == [driven.result("cope", 1, told)]


def test_a_host_that_fails_unexpectedly_ends_the_enclave(driven: Driven) -> None:
    driven.call("misbehave", "unexpected failure")
    with pytest.raises(CcfpyError, match="the host's now failed"):
        driven.say(OcallFailed(ocall=1, word=None))


def test_a_host_refuses_by_declared_words_alone(driven: Driven) -> None:
    driven.call("cope")
    with pytest.raises(BoundaryViolation, match="store refuses by an undeclared word"):
        driven.say(OcallFailed(ocall=1, word="no"))


@pytest.mark.parametrize("is_failure", [True, False])
@pytest.mark.parametrize("ocall", [0, 2])
def test_an_answer_to_nothing_is_a_violation(
    driven: Driven, ocall: int, is_failure: bool
) -> None:
    driven.call("keep", b"")
    answer = (
        OcallFailed(ocall=ocall, word=None)
        if is_failure
        else driven.answering("store", ocall, 1)
    )
    with pytest.raises(BoundaryViolation, match=f"an answer to {ocall}, which is not"):
        driven.say(answer)


def test_an_answer_comes_once(driven: Driven) -> None:
    driven.call("keep", b"")
    driven.say(driven.answering("store", 1, 1))
    with pytest.raises(BoundaryViolation, match="an answer to 1, which is not asked"):
        driven.say(driven.answering("store", 1, 1))


def test_the_answer_of_another_function_is_a_violation(driven: Driven) -> None:
    driven.call("keep", b"")
    now = UntrustedTime(claimed_unix_us=1)
    with pytest.raises(BoundaryViolation, match="now answers another function"):
        driven.say(driven.answering("now", 1, now))


def test_a_hosts_time_stays_a_hosts_time(driven: Driven) -> None:
    driven.call("when")
    now = UntrustedTime(claimed_unix_us=0)
    assert driven.say(driven.answering("now", 1, now)) == [
        driven.result("when", 1, now)
    ]


# How much at once.


def _keeping(driven: Driven, count: int) -> list[object]:
    return driven.say(*[driven.calling("keep", bytes([n])) for n in range(count)])


@pytest.mark.parametrize("most", [1, 3])
def test_so_many_calls_are_begun_and_the_others_wait(most: int) -> None:
    driven = Driven(enclave=enclave(calls_at_once_max=most)).begin()
    asked = _keeping(driven, most + 1)
    assert asked == [
        driven.asking("store", n + 1, n + 1, bytes([n])) for n in range(most)
    ]
    said = driven.say(driven.answering("store", 1, 9))
    assert said == [
        driven.result("keep", 1, 9),
        driven.asking("store", most + 1, most + 1, bytes([most])),
    ]


@pytest.mark.parametrize("waiting", [0, 2])
def test_so_many_calls_wait_and_the_others_are_denied(waiting: int) -> None:
    driven = Driven(enclave=enclave(calls_waiting_max=waiting)).begin()
    asked = _keeping(driven, waiting + 2)
    assert asked == [
        driven.asking("store", 1, 1, b"\0"),
        Denied(call=waiting + 2, denial=Denial.FULL),
    ]
    for n in range(waiting + 1):
        driven.say(driven.answering("store", n + 1, n))
    answered = [it for it in driven.said if type(it) is driven.trusted("keep").answer]
    assert answered == [driven.result("keep", n + 1, n) for n in range(waiting + 1)]


def test_waiting_calls_that_ask_nothing_are_all_answered_in_one_step() -> None:
    driven = Driven(enclave=enclave(calls_waiting_max=500)).begin()
    driven.call("keep", b"")
    assert driven.say(*[driven.calling("plain", n) for n in range(500)]) == []
    said = driven.say(driven.answering("store", 1, 0))
    assert said[1:] == [driven.result("plain", n + 2, n + 1) for n in range(500)]


def test_calls_go_on_in_the_order_of_the_hosts_answers() -> None:
    driven = Driven(enclave=enclave(calls_at_once_max=2)).begin()
    _keeping(driven, 2)
    assert driven.say(
        driven.answering("store", 2, 5), driven.answering("store", 1, 6)
    ) == [driven.result("keep", 2, 5), driven.result("keep", 1, 6)]


# Who may call while a call is served.


def test_a_call_within_is_begun_where_the_ocall_allows_it(driven: Driven) -> None:
    driven.call("keep", b"")
    assert driven.call("confirm", b"abc", of=1) == [driven.result("confirm", 2, 3)]
    said = driven.say(driven.answering("store", 1, 0))
    assert said == [driven.result("keep", 1, 0)]


def test_a_call_within_does_not_wait_for_the_one_it_is_within(driven: Driven) -> None:
    driven.call("keep", b"")
    assert driven.call("plain", 1) == []
    assert driven.call("confirm", b"abc", of=1) == [driven.result("confirm", 3, 3)]


def test_a_call_within_that_the_ocall_does_not_allow_is_denied(driven: Driven) -> None:
    driven.call("keep", b"")
    denied = [Denied(call=2, denial=Denial.NOT_ALLOWED)]
    assert driven.call("plain", 1, of=1) == denied
    driven.say(driven.answering("store", 1, 0))
    driven.call("when")
    denied = [Denied(call=4, denial=Denial.NOT_ALLOWED)]
    assert driven.call("confirm", b"", of=2) == denied


def test_what_is_called_within_only_is_denied_otherwise(driven: Driven) -> None:
    denied = [Denied(call=1, denial=Denial.ONLY_WITHIN)]
    assert driven.call("confirm", b"") == denied
    driven.call("keep", b"")
    denied = [Denied(call=3, denial=Denial.ONLY_WITHIN)]
    assert driven.call("confirm", b"") == denied


def test_a_call_within_nothing_is_a_violation(driven: Driven) -> None:
    with pytest.raises(BoundaryViolation, match="a call within 1, which is not asked"):
        driven.call("confirm", b"", of=1)
    driven = Driven().begin()
    driven.call("keep", b"")
    driven.say(driven.answering("store", 1, 0))
    with pytest.raises(BoundaryViolation, match="a call within 1, which is not asked"):
        driven.call("confirm", b"", of=1)


def test_an_ocall_is_answered_after_the_calls_within_it(driven: Driven) -> None:
    driven.call("keep", b"")
    driven.call("confirm_all", of=1)
    with pytest.raises(BoundaryViolation, match="an answer to 1 before those within"):
        driven.say(driven.answering("store", 1, 0))


@pytest.mark.parametrize("most", [0, 2])
def test_calls_within_calls_go_so_deep_and_no_deeper(most: int) -> None:
    driven = Driven(enclave=enclave(calls_within_max=most)).begin()
    driven.call("keep", b"")
    for ocall in range(1, most + 1):
        said = driven.call("confirm_all", of=ocall)
        assert said == [driven.asking("store", ocall + 1, ocall + 1, b"all")]
    denied = [Denied(call=most + 2, denial=Denial.TOO_DEEP)]
    assert driven.call("confirm_all", of=most + 1) == denied
    for ocall in range(most + 1, 0, -1):
        driven.say(driven.answering("store", ocall, ocall))
    assert driven.said[-1] == driven.result("keep", 1, 1)


# What calls take of the processor.


class _Timer:
    """Takes a second from whatever runs."""

    def __init__(self) -> None:
        self.begun: list[float] = []
        self.is_running = False

    def begin(self, left_s: float) -> None:
        assert not self.is_running
        self.is_running = True
        self.begun.append(left_s)

    def pause(self) -> float:
        assert self.is_running
        self.is_running = False
        return self.begun[-1] - 1


def test_a_call_goes_on_with_the_time_that_it_has_left() -> None:
    timer = _Timer()
    driven = Driven(enclave=enclave(call_cpu_ms_max=5000), timer=timer).begin()
    driven.call("keep", b"")
    driven.call("confirm", b"", of=1)
    driven.say(driven.answering("store", 1, 0))
    assert timer.begun == [5.0, 5.0, 5.0, 4.0]
    assert not timer.is_running


def test_the_timer_stops_whatever_happens() -> None:
    timer = _Timer()
    driven = Driven(timer=timer).begin()
    with pytest.raises(ValueError, match="a secret"):
        driven.call("misbehave", "defect")
    assert not timer.is_running
