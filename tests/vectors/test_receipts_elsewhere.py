"""A page's programs in other languages take CCF's receipts, and refuse forgeries."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.pages import BLOCK, ROOT, Block
from tests.vectors.test_receipts import FOLDER

PAGE = ROOT / "docs/howto/verify-a-receipt-elsewhere.md"
PROGRAMS: Mapping[str, Sequence[str]] = {
    "verify.sh": ("bash",),
    "verify.mjs": ("node",),
    "verify/main.go": ("go", "run"),
}
RECEIPT, TXID, OTHER = FOLDER / "sgx-100.json", "6.100", FOLDER / "eol-494.pem"
DEADLINE_S = 120
Verify = Callable[[Path, Path, str], str]


@pytest.fixture(params=PROGRAMS)
def verify(request: pytest.FixtureRequest, tmp_path: Path) -> Verify:
    """Return what runs a program of the page, and returns why it refused."""
    name: str = request.param
    tool, *words = PROGRAMS[name]
    path = os.pathsep.join([os.environ["PATH"], str(ROOT / ".venv-node/bin")])
    if (found := shutil.which(tool, path=path)) is None:
        pytest.skip(f"{tool} is not here")
    blocks = [Block(*each) for each in BLOCK.findall(PAGE.read_text())]
    (text,) = (each.text for each in blocks if each.note == f"workspace/{name}")
    program = tmp_path / Path(name).name
    program.write_text(text)

    def run(receipt: Path, service: Path, txid: str) -> str:
        done = subprocess.run(
            [found, *words, str(program), str(receipt), str(service), txid],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=False,
        )
        assert (done.returncode == 0) == (done.stdout != "")
        return done.stderr

    return run


def _forged(folder: Path, *path: str | int, value: object) -> Path:
    receipt = json.loads(RECEIPT.read_text())
    place = receipt
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    file = folder / "forged.json"
    file.write_text(json.dumps(receipt))
    return file


def test_a_receipt_of_ccfs_is_taken_and_forged_ones_are_not(
    verify: Verify, tmp_path: Path
) -> None:
    service = RECEIPT.with_suffix(".pem")
    assert verify(RECEIPT, service, TXID) == ""
    assert "transaction" in verify(RECEIPT, service, "6.99")
    assert verify(RECEIPT, OTHER, TXID) != ""
    leaf = "leaf_components"
    forged = _forged(tmp_path, leaf, "claims_digest", value="00" * 32)
    assert "sign this root" in verify(forged, service, TXID)
    forged = _forged(tmp_path, leaf, "claims_digest", value="00" * 33)
    assert "digest" in verify(forged, service, TXID)
    forged = _forged(tmp_path, "node_id", value="00" * 32)
    assert "another node's" in verify(forged, service, TXID)
    forged = _forged(tmp_path, "service_endorsements", value=["x"])
    assert "recovered" in verify(forged, service, TXID)
