from pathlib import Path

import pytest

from ccfpy.client import share


def test_a_checkout_keeps_its_files_at_the_root(tmp_path: Path) -> None:
    (tmp_path / "governance").mkdir()
    (tmp_path / "ccfpy").mkdir()
    assert share.share_root(tmp_path / "ccfpy") == tmp_path


def test_a_wheel_keeps_its_files_inside_the_package(tmp_path: Path) -> None:
    inside = tmp_path / "ccfpy" / "share"
    (inside / "governance").mkdir(parents=True)
    (tmp_path / "governance").mkdir()
    assert share.share_root(tmp_path / "ccfpy") == inside


def test_a_damaged_installation_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="install ccfpy again"):
        share.share_root(tmp_path / "ccfpy")


def test_an_unknown_constitution_is_answered_with_the_known_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "governance" / "constitutions" / "default"
    folder.mkdir(parents=True)
    for part in ("actions", "validate", "resolve", "apply"):
        (folder / f"{part}.js").write_text(f"// {part}\n")
    monkeypatch.setattr(share, "share_root", lambda: tmp_path)
    names = [script.name for script in share.constitution("default")]
    assert names == ["actions.js", "validate.js", "resolve.js", "apply.js"]
    with pytest.raises(FileNotFoundError, match=r"'veto': choose one of default"):
        share.constitution("veto")


def test_a_variant_takes_what_it_lacks_from_the_default_constitution() -> None:
    scripts = share.constitution("veto")
    folders = [script.parent.name for script in scripts]
    assert folders == ["default", "default", "veto", "default"]
    assert all(script.is_file() for script in scripts)


def test_further_scripts_of_a_variant_add_actions() -> None:
    names = [script.name for script in share.constitution("simulated")]
    assert names == [
        "actions.js",
        "simulated_attestation_actions.js",
        "validate.js",
        "resolve.js",
        "apply.js",
    ]
