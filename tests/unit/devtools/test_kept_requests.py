import stat
from pathlib import Path

import pytest

from ccfpy.base.limits import DEV_REQUESTS_KEPT_MAX
from ccfpy.devtools.served import KeptRequests, NoRequest, ServedRequest


def _served(txid: str | None = None) -> ServedRequest:
    return ServedRequest(
        unix_time_us=1, method="GET", path="/app/x", status=200, txid=txid
    )


@pytest.fixture
def kept(tmp_path: Path) -> KeptRequests:
    """An empty file."""
    kept = KeptRequests(tmp_path / "requests.jsonl")
    kept.begin()
    return kept


def test_requests_are_numbered_and_found_again(kept: KeptRequests) -> None:
    first, second, third = (kept.keep(_served(t)) for t in ("2.7", None, "2.7"))
    assert [each.number for each in (first, second, third)] == [1, 2, 3]
    assert KeptRequests(kept.path).all() == [first, second, third]
    assert kept.find(None) == third
    assert kept.find("2") == second
    assert kept.find("2.7") == third
    with pytest.raises(NoRequest, match="from 1 to 3"):
        kept.find("2.8")


def test_only_its_owner_reads_it_and_each_run_begins_anew(kept: KeptRequests) -> None:
    kept.keep(_served())
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    kept.begin()
    with pytest.raises(NoRequest, match="no request was answered yet"):
        kept.find(None)
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert kept.keep(_served()).number == 1


@pytest.mark.slow
def test_when_it_is_full_the_older_half_goes(kept: KeptRequests) -> None:
    for _ in range(DEV_REQUESTS_KEPT_MAX):
        kept.keep(_served())
    assert len(kept.all()) == DEV_REQUESTS_KEPT_MAX
    last = kept.keep(_served())
    numbers = [each.number for each in kept.all()]
    assert last.number == numbers[-1] == DEV_REQUESTS_KEPT_MAX + 1
    assert numbers[0] == DEV_REQUESTS_KEPT_MAX // 2 + 1


def test_a_file_that_is_none_is_refused(kept: KeptRequests) -> None:
    kept.path.write_text("{}\n")
    with pytest.raises(NoRequest, match="holds no requests"):
        kept.all()
    kept.path.unlink()
    with pytest.raises(NoRequest, match="ccfpy app dev"):
        kept.all()
