"""Steps are reported to their listener, and to nobody else."""

from ccfpy.attestation.snp import SnpStep, verify_snp_report
from ccfpy.attestation.steps import untold
from tests.unit.attestation.hardware import NOW_S, chain_of, report_of


def test_who_does_not_listen_is_told_nothing() -> None:
    taken: list[str] = []
    for took in (untold, taken.append):
        verify_snp_report(
            report_of("milan"), chain_of("milan"), unix_time_s=NOW_S, took=took
        )
    assert taken == list(SnpStep)
