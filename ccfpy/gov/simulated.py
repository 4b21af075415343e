"""Simulated machines and enclaves in responses: ours, beside CCF's platforms."""

from typing import TYPE_CHECKING

from ccfpy.attestation.simulated import QUOTE, SimulatedReport
from ccfpy.attestation.statements import Statement
from ccfpy.service.tables import join_policy
from ccfpy.service.tables.join_policy import SimulatedRules

if TYPE_CHECKING:
    from ccfpy.base.json import Json, JsonObject
    from ccfpy.kv.tx import Tx


def simulated_details(quote: bytes) -> "JsonObject":
    """Return what a quote states that the service accepted.

    Raises:
        Malformed: ``quote`` is no quote.
    """
    report = SimulatedReport.read(Statement.read(quote, QUOTE).content)
    identity = report.identity
    return {
        "uniqueId": identity.unique_id.hex(),
        "signerId": identity.signer_id.hex(),
        "productId": identity.product_id,
        "securityVersion": identity.security_version,
        "debug": identity.debug,
        "hostData": report.host_data.hex(),
        "reportData": report.report_data.hex(),
        "tcbVersion": report.tcb_version.hex(),
        "machineId": report.machine_id.hex(),
    }


def simulated_policy(tx: "Tx") -> "JsonObject":
    """Return which simulated enclaves may join; empty if none ever could."""
    vendors = dict(join_policy.SIMULATED_VENDORS.of(tx).items())
    if not vendors:
        return {}
    rules = join_policy.SIMULATED_RULES.of(tx).get() or SimulatedRules()
    signers: dict[str, Json] = {
        signer: {
            product: {"securityVersion": least.security_version}
            for product, least in products.items()
        }
        for signer, products in join_policy.SIMULATED_SIGNERS.of(tx).items()
    }
    return {
        "simulated": {
            "uniqueIds": list(join_policy.SIMULATED_UNIQUE_IDS.of(tx).keys()),
            "signers": signers,
            "hostData": list(join_policy.SIMULATED_HOST_DATA.of(tx).keys()),
            "vendors": {key: vendor.certificate for key, vendor in vendors.items()},
            "tcbStatuses": [status.value for status in rules.tcb_statuses],
            "acceptsDebug": rules.accepts_debug,
        }
    }
