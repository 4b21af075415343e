"""How an honest client's answers are written down, read and summed up."""

from pathlib import Path

from ccfpy.client.keys import KeyFiles
from tests.lab.attacks.attack import App
from tests.lab.attacks.honest import (
    KINDS,
    Answer,
    command,
    is_caught_up,
    read_answers,
    summarise,
)


def answer(
    at_s: float, seconds: float = 0.1, kind: str = "read", trouble: str | None = None
) -> Answer:
    return Answer(kind=kind, at_s=at_s, seconds=seconds, trouble=trouble)


def test_answers_survive_their_file(tmp_path: Path) -> None:
    answers = [answer(1.5), answer(2.0, kind="write", trouble="no answer")]
    file = tmp_path / "answers"
    file.write_text("".join(each.line() + "\n" for each in answers) + '["read", 3')
    assert list(read_answers(file)) == answers


def test_all_is_answered_when_each_kind_went_on() -> None:
    answers = [answer(5.0, kind=kind) for kind in KINDS]
    assert is_caught_up(answers, after_s=4.9)
    assert not is_caught_up(answers, after_s=5.0)
    assert not is_caught_up(answers[:-1], after_s=4.9)


def test_only_what_was_sent_meanwhile_counts() -> None:
    answers = [
        answer(0.9, 9.0),
        answer(1.0, 0.2),
        answer(1.5, 3.0, kind="write", trouble="503"),
        answer(2.0, 0.1),
        answer(2.1, 9.0),
    ]
    found = summarise(answers, begin_s=1.0, end_s=2.0)
    assert (found.answers, found.worst_s, found.p99_s) == (3, 3.0, 3.0)
    assert found.failures == ["write: 503"]
    nothing = summarise([], begin_s=1.0, end_s=2.0)
    assert (nothing.answers, nothing.worst_s) == (0, 0.0)


def test_the_command_names_all_that_the_client_needs(tmp_path: Path) -> None:
    keys = KeyFiles(folder=tmp_path, name="honest")
    certificate = tmp_path / "service_cert.pem"
    words = command(
        "https://x", service_certificate=certificate, identity=keys, app=App.ETCD
    )
    assert words[1:] == (
        *("-m", "tests.lab.attacks.honest"),
        *("https://x", str(certificate), str(tmp_path), "honest", "etcd"),
    )
