"""An invalid share is reported before any service is asked."""

from pathlib import Path

from tests.unit.cli.conftest import Command


def test_a_share_is_printed_or_handed_in(
    command: Command, service_folder: Path
) -> None:
    words = ["gov", "share", "--get", "--opened", "-", "--common", service_folder]
    ended = command(*words)
    assert ended.code == 2
    assert "choose one" in ended.err


def test_what_is_no_base64_is_no_share(
    command: Command, service_folder: Path, tmp_path: Path
) -> None:
    words = ["gov", "share", "--common", service_folder, "--opened"]
    assert command(*words, tmp_path / "none").code == 1
    (tmp_path / "share").write_text("not base64!\n")
    ended = command(*words, tmp_path / "share")
    assert ended.code == 2
    assert "holds no share" in ended.err
