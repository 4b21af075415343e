"""The addresses of a chip's certificates are exactly those that CCF makes."""

import base64

import pytest

from ccfpy.attestation import endorsements
from ccfpy.attestation.endorsements import (
    CertificateEncoding,
    EndorsementEndpoint,
    ServerKind,
    servers_for,
)
from ccfpy.attestation.snp_report import SnpReport
from ccfpy.base import json
from ccfpy.base.errors import Malformed
from ccfpy.crypto.certs import parse_bundle
from tests.unit.attestation.hardware import PRODUCTS, chain_of, report_of

MILAN = SnpReport.parse(report_of("milan"))
CHIP = MILAN.chip_id.hex()


def only(kind: str, url: str, report: SnpReport = MILAN) -> list[EndorsementEndpoint]:
    (server,) = servers_for(report, [(kind, url, 2)])
    assert server.retries_max == 2
    assert server.host == url.partition(":")[0]
    return list(server.endpoints)


def with_tcb(tcb: bytes, cpuid: tuple[int, int] = (0x19, 0x01)) -> SnpReport:
    raw = bytearray(MILAN.raw)
    raw[0x180:0x188] = tcb
    raw[0x188:0x18A] = cpuid
    return SnpReport.parse(bytes(raw))


def test_azure_is_asked_once() -> None:
    (endpoint,) = only("Azure", "global.acccache.azure.net")
    assert endpoint.url == (
        f"https://global.acccache.azure.net:443/SevSnpVM/certificates/{CHIP}/"
        "db18000000000004?api-version=2020-10-15-preview"
    )
    assert endpoint.form is CertificateEncoding.PEM


def test_a_version_is_a_number_without_leading_zeros() -> None:
    (endpoint,) = only("Azure", "host", with_tcb(bytes([4, 0, 0, 0, 0, 0, 8, 0])))
    assert endpoint.path.endswith(f"{CHIP}/8000000000004")
    (zero,) = only("THIM", "host", with_tcb(bytes(8)))
    assert zero.parameters["tcbVersion"] == "0"


def test_amd_is_asked_for_the_chip_and_for_those_above_it() -> None:
    chip, above = only("AMD", "kdsintf.amd.com")
    assert chip.url == (
        f"https://kdsintf.amd.com:443/vcek/v1/Milan/{CHIP}"
        "?blSPL=4&snpSPL=24&teeSPL=0&ucodeSPL=219"
    )
    assert above.url == "https://kdsintf.amd.com:443/vcek/v1/Milan/cert_chain"
    assert (chip.form, above.form) == (CertificateEncoding.DER, CertificateEncoding.PEM)


def test_turin_has_a_part_more() -> None:
    chip, above = only("AMD", "h", with_tcb(bytes([1, 2, 3, 4, 0, 0, 0, 9]), (0x1A, 1)))
    assert chip.query == "blSPL=2&fmcSPL=1&snpSPL=4&teeSPL=3&ucodeSPL=9"
    assert above.path == "/vcek/v1/Turin/cert_chain"


def test_thim_is_asked_in_the_clear() -> None:
    (endpoint,) = only("THIM", "169.254.169.254")
    assert endpoint.url == (
        "http://169.254.169.254:80/metadata/THIM/amd/certification"
        f"?platformId={CHIP}&tcbVersion=db18000000000004"
    )
    assert endpoint.headers == {"Metadata": "true"}


@pytest.mark.parametrize("kind", ServerKind)
def test_a_port_may_be_named(kind: ServerKind) -> None:
    assert {endpoint.port for endpoint in only(kind, "host:8443")} == {"8443"}


def test_a_processor_that_amd_does_not_serve_has_no_address() -> None:
    with pytest.raises(Malformed, match="Unsupported CPUID"):
        only("AMD", "host", with_tcb(bytes(8), (0x17, 1)))


def test_each_form_of_answer_is_read() -> None:
    chain = chain_of("milan")
    chip = parse_bundle(chain)[0]
    der = EndorsementEndpoint(
        host="h", port="1", path="/", form=CertificateEncoding.DER
    )
    assert der.read(chip.der) == chip.pem.encode()
    thim = EndorsementEndpoint(
        host="h", port="1", path="/", form=CertificateEncoding.THIM
    )
    both = {"vcekCert": "a", "certificateChain": "b"}
    assert thim.read(json.dumps(both)) == b"ab"
    assert EndorsementEndpoint(host="h", port="1", path="/").read(chain) == chain
    for endpoint in (der, thim):
        for body in (b"", b"{}", b"[]", b"\xff"):
            with pytest.raises(Malformed):
                endpoint.read(body)


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_file_is_for_one_version_in_either_case(product: str) -> None:
    report = SnpReport.parse(report_of(product))
    tcb = report.reported_tcb[::-1].hex()
    fields = {"vcekCert": "a", "certificateChain": "b", "cacheControl": "1"}
    for written in (tcb, tcb.upper()):
        text = base64.b64encode(json.dumps({**fields, "tcbm": written}))
        assert endorsements.from_file(text, report) == b"ab"
    text = base64.b64encode(json.dumps({**fields, "tcbm": "00" + tcb[2:]}))
    with pytest.raises(Malformed, match="does not match reported TCB"):
        endorsements.from_file(text, report)
