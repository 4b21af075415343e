"""One variable says which platform a node runs on, as in CCF."""

import pytest

from ccfpy.base.errors import ConfigurationRefused
from ccfpy.enclave.platforms.choice import OVERRIDE, PlatformKind, chosen
from ccfpy.host.enclave_process import PLATFORM_OVERRIDE


def test_a_node_is_virtual_unless_it_is_told_otherwise() -> None:
    assert OVERRIDE == PLATFORM_OVERRIDE == "CCF_PLATFORM_OVERRIDE"
    assert chosen({}) is PlatformKind.VIRTUAL
    assert chosen({}, is_guest=True) is PlatformKind.SNP
    for kind in PlatformKind:
        assert chosen({OVERRIDE: kind}) is kind
        assert chosen({OVERRIDE: kind}, is_guest=True) is kind


@pytest.mark.parametrize("name", ["", "snp", "SGX", "Unknown", "simulated"])
def test_what_a_node_cannot_run_on_is_refused(name: str) -> None:
    with pytest.raises(
        ConfigurationRefused, match="runs on SNP, Virtual or Simulated; set"
    ):
        chosen({OVERRIDE: name})
