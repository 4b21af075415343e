"""New keys take the place of the old, which are kept; shares are checked first."""

from datetime import UTC, datetime
from pathlib import Path

from ccfpy.cli.gov_keys import take_place
from ccfpy.client.keys import KeyFiles, generate_keys
from tests.unit.cli.conftest import Command

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_files_change_places(tmp_path: Path) -> None:
    old = KeyFiles(folder=tmp_path, name="member0")
    new = KeyFiles(folder=tmp_path / "member0.next", name="member0")
    for files in (old, new):
        generate_keys(files, with_encryption_key=True)
    were, come = texts(old.folder), texts(new.folder)
    assert len(were) == len(come) == 4
    kept = take_place(old, new, now=NOW)
    assert kept == tmp_path / "member0.until-20300102T030405Z"
    assert kept is not None
    assert (texts(tmp_path), texts(kept)) == (come, were)
    assert not new.folder.exists()
    assert old.private_key.stat().st_mode & 0o077 == 0


def test_what_has_no_successor_stays(tmp_path: Path) -> None:
    old = KeyFiles(folder=tmp_path, name="member0")
    new = KeyFiles(folder=tmp_path / "member0.next", name="member0")
    generate_keys(old, with_encryption_key=True)
    generate_keys(new, with_encryption_key=False)
    share_key = old.encryption_private_key.read_text()
    kept = take_place(old, new, now=NOW)
    assert old.encryption_private_key.read_text() == share_key
    assert kept is not None
    assert set(texts(kept)) == {"member0_privk.pem", "member0_cert.pem"}


def test_of_keys_that_are_no_files_none_are_kept(tmp_path: Path) -> None:
    old = KeyFiles(folder=tmp_path, name="member0")
    new = KeyFiles(folder=tmp_path / "member0.next", name="member0")
    assert take_place(old, new, now=NOW) is None
    generate_keys(new, with_encryption_key=False)
    come = texts(new.folder)
    assert take_place(old, new, now=NOW) is None
    assert texts(tmp_path) == come
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_nothing_to_replace_is_a_mistake(
    command: Command, service_folder: Path
) -> None:
    files = KeyFiles(folder=service_folder, name="member0")
    generate_keys(files, with_encryption_key=True)
    where = ["--url", "https://127.0.0.1:1", "--common", service_folder]
    both = ["--keep-identity", "--keep-encryption-key"]
    ended = command("gov", "rotate", *both, *where)
    assert ended.code == 2
    assert "nothing of member0's is left" in ended.err
    for words, said in (
        (["--keep-identity", "--new-cert", "x"], "--keep-identity keeps the identity"),
        (["--keep-encryption-key", "--new-encryption-key", "x"], "leave out --new-enc"),
        (["--new-sign-command", "true"], "say with --new-cert"),
    ):
        ended = command("gov", "rotate", *words, *where)
        assert ended.code == 2
        assert said in ended.err
    assert not (service_folder / "member0.next").exists()


def test_files_of_another_member_are_not_replaced(
    command: Command, service_folder: Path, tmp_path: Path
) -> None:
    generate_keys(
        KeyFiles(folder=service_folder, name="member0"), with_encryption_key=False
    )
    before = texts(service_folder)
    own = KeyFiles(folder=tmp_path / "own", name="mine")
    generate_keys(own, with_encryption_key=False)
    words = ["--key", own.private_key, "--cert", own.certificate]
    where = ["--url", "https://127.0.0.1:1", "--common", service_folder]
    ended = command("gov", "rotate", *words, *where)
    assert ended.code == 2
    assert "is another member's than the key that you name" in ended.err
    assert texts(service_folder) == before


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
