"""A container's hooks parse the answers of its node; `test_pods` tests whole stops."""

from pathlib import Path

import pytest

from deploy.image.own_node import OwnNode, leave, main
from tests.e2e.running import running_node, wait_until


def test_a_node_is_asked_as_long_as_it_runs(tmp_path: Path) -> None:
    said: list[str] = []
    with running_node(tmp_path / "service") as running:
        port = int(running.url.rpartition(":")[2])
        node = OwnNode([port], running.options.service_certificate)
        # A starved node may answer later than a hook waits for.
        wait_until(lambda: node.is_ready("state"), what="answer about its state")
        wait_until(lambda: node.is_ready("gov"), what="answer to members")
        assert not node.is_ready("app"), "no member has opened the service"
        running.open(["user0"])
        wait_until(lambda: node.is_ready("app"), what="answer to users")
        # A service always needs its only node, however long the hook waits.
        assert not node.may_stop()
        assert not leave(node, announce=lambda: said.append("stop"), timeout_s=0)
        assert said == ["stop"]
    assert not node.is_ready("state")
    assert node.may_stop()
    assert leave(node, announce=lambda: said.append("again"), timeout_s=0)


@pytest.mark.parametrize("words", [["leave", "soon"], ["ready", "who"], []])
def test_other_words_are_refused(
    words: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CCFPY_RUN", str(tmp_path))
    assert main(words) == 2
    assert capsys.readouterr().out.startswith("say ready")
