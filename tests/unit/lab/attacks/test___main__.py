"""The command's words, without a service."""

import pytest

from tests.lab.attacks.__main__ import main
from tests.lab.attacks.catalogue import ATTACKS


def test_the_list_has_every_attack(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [attack.name for attack in ATTACKS]


@pytest.mark.parametrize(
    ("words", "said"),
    [(["x"], "no attack 'x'"), (["--workspace", "/"], "/ is there already")],
)
def test_what_cannot_be_done_is_said(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(words)
    assert refused.value.code == 2
    assert said in capsys.readouterr().err
