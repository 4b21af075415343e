from pathlib import Path

from ccfpy.devtools.log_tail import LogTail


def test_lines_are_given_once_and_whole(tmp_path: Path) -> None:
    path = tmp_path / "out"
    tail = LogTail(path)
    assert tail.lines() == []
    with path.open("wb") as file:
        for written, lines in (
            (b"one\ntw", ["one"]),
            (b"", []),
            (b"o\nthree\n", ["two", "three"]),
            (b"\xff\n", ["�"]),
        ):
            file.write(written)
            file.flush()
            assert tail.lines() == lines
