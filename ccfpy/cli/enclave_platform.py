"""``ccfpy enclave platform``: a simulated vendor and its machines, as files.

Both files hold private keys. Anybody who reads them can make evidence that a service
which trusts the vendor accepts: they are for trying out, testing and teaching.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

import typer

from ccfpy.base.errors import CcfpyError
from ccfpy.cli.entries import Entry, Table
from ccfpy.cli.errors import CommandFailed, Misused
from ccfpy.cli.output import print_json, print_line

if TYPE_CHECKING:
    from ccfpy.attestation.simulated import SimulatedCollateral
    from ccfpy.attestation.simulated_machine import SimulatedMachine


USUAL_VENDOR = ".local/state/ccfpy/simulated-vendor.json"
Kind = TypeVar("Kind")

MachineOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="The machine's file; if not said, what CCFPY_SIMULATED_PLATFORM names, or "
        "~/.local/state/ccfpy/simulated-platform.json."
    ),
]
VendorOption: TypeAlias = Annotated[
    Path | None,
    typer.Option(help=f"The vendor's file; ~/{USUAL_VENDOR} if not said."),
]
TcbOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--tcb", metavar="HEX", help="A security version, such as 0201010101010101."
    ),
]
JsonOption: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON value.")
]


def new(
    *,
    machine: MachineOption = None,
    vendor: VendorOption = None,
    tcb: TcbOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a machine that is there.")
    ] = False,
) -> None:
    """Make a machine, and its vendor if there is none yet."""
    from ccfpy.client.keys import OsEntropy
    from ccfpy.local.simulated_vendor import SimulatedVendor

    place, vendor_place = _machine_place(machine), _vendor_place(vendor)
    if place.exists() and not force:
        raise Misused(f"{place} is there already: --force replaces it")
    if vendor_place.exists():
        maker = _read(vendor_place, SimulatedVendor.parse, "vendor")
    else:
        maker = SimulatedVendor.make(OsEntropy(), unix_time_s=_now())
        _write(vendor_place, maker.serialise())
    made = maker.make_machine(
        OsEntropy(),
        unix_time_s=_now(),
        tcb_version=None if tcb is None else _tcb_version(tcb),
    )
    _write(place, made.serialise())
    print_line(
        f"{place}: machine {made.machine_id.hex()}, which keeps no secret from root"
    )


def show(
    *,
    machine: MachineOption = None,
    vendor: Annotated[
        Path | None,
        typer.Option(help="Show a vendor instead, and what it says now."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show a machine, or a vendor, without their keys."""
    from ccfpy.attestation.simulated import PLATFORM
    from ccfpy.local.simulated_vendor import SimulatedVendor

    if vendor is not None:
        maker = _read(vendor, SimulatedVendor.parse, "vendor")
        about = _about_vendor(maker.vendor_id, maker.collateral)
        # In the form in which members propose it (set_simulated_vendor).
        proposed = {"certificate": maker.certificate.pem, **maker.collateral.fields()}
        _tell(about, {"set_simulated_vendor": proposed}, json=json)
        return
    it = _machine(_machine_place(machine))
    vendor_id = bytes.fromhex(it.vendor.digest_hex)
    about = {
        "platform": PLATFORM,
        "machine_id": it.machine_id.hex(),
        "tcb_version": it.tcb_version.hex(),
        "status": _status(it),
        **_about_vendor(vendor_id, it.collateral),
    }
    _tell(about, {}, json=json)


def update(
    *,
    machine: MachineOption = None,
    vendor: VendorOption = None,
    tcb: TcbOption = None,
) -> None:
    """Bring a machine up to date, and to what its vendor says now.

    The vendor signs its statements anew, which hold for thirty days.
    """
    from ccfpy.local.simulated_vendor import SimulatedVendor

    place, vendor_place = _machine_place(machine), _vendor_place(vendor)
    maker = _read(vendor_place, SimulatedVendor.parse, "vendor")
    maker = maker.renew(unix_time_s=_now())
    version = maker.newest_tcb_version if tcb is None else _tcb_version(tcb)
    updated = _or_failed(
        lambda: _machine(place).told(maker.collateral).updated(version)
    )
    _write(vendor_place, maker.serialise())
    _write(place, updated.serialise())
    print_line(f"{place}: {updated.tcb_version.hex()}, {_status(updated)}")


def require(
    tcb: Annotated[
        str, typer.Argument(metavar="HEX", help="The security version from now on.")
    ],
    *,
    vendor: VendorOption = None,
    revoke_older: Annotated[
        bool,
        typer.Option(
            "--revoke-older", help="Older ones are Revoked instead of OutOfDate."
        ),
    ] = False,
) -> None:
    """Announce a newer security version, as the vendor."""
    from ccfpy.attestation.simulated import TcbStatus
    from ccfpy.local.simulated_vendor import SimulatedVendor

    older = TcbStatus.REVOKED if revoke_older else TcbStatus.OUT_OF_DATE
    place, version = _vendor_place(vendor), _tcb_version(tcb)
    maker = _read(place, SimulatedVendor.parse, "vendor")
    changed = _or_failed(
        lambda: maker.require(version, older=older, unix_time_s=_now())
    )
    _write(place, changed.serialise())
    print_line(f"{place}: {version.hex()} is UpToDate, and older ones are {older}")


def revoke(
    machine: Annotated[
        str, typer.Argument(metavar="MACHINE", help="Its id, or its file.")
    ],
    *,
    vendor: VendorOption = None,
) -> None:
    """Revoke a machine, as the vendor."""
    from ccfpy.local.simulated_vendor import SimulatedVendor

    place = _vendor_place(vendor)
    maker = _read(place, SimulatedVendor.parse, "vendor")
    machine_id = _machine_id(machine)
    _write(place, maker.revoke([machine_id], unix_time_s=_now()).serialise())
    print_line(f"{place}: {machine_id.hex()} is revoked")


def _about_vendor(
    vendor_id: bytes, collateral: "SimulatedCollateral"
) -> dict[str, str]:
    due = min(
        collateral.tcb_info.issue.next_update, collateral.revocations.issue.next_update
    )
    return {
        "vendor_id": vendor_id.hex(),
        **{
            f"tcb {level.tcb_version.hex()}": str(level.status)
            for level in collateral.tcb_info.levels
        },
        "revoked": ", ".join(
            sorted(
                machine_id.hex() for machine_id in collateral.revocations.machine_ids
            )
        )
        or "none",
        "holds_until": datetime.fromtimestamp(due, UTC).isoformat(),
    }


def _tell(about: dict[str, str], more: dict[str, object], *, json: bool) -> None:
    if json:
        print_json({**about, **more})
        return
    width = max(map(len, about))
    for name, value in about.items():
        print_line(f"{name.replace('_', ' '):{width}}  {value}")


def _status(machine: "SimulatedMachine") -> str:
    try:
        return machine.collateral.status_of(machine.machine_id, machine.tcb_version)
    except CcfpyError:
        return "the machine is revoked"


def _machine_id(text: str) -> bytes:
    from ccfpy.crypto.hashing import DIGEST_BYTES

    place = Path(text)
    if place.is_file():
        return _machine(place).machine_id
    return _bytes(text, DIGEST_BYTES, "neither a machine's id nor its file")


def _tcb_version(text: str) -> bytes:
    from ccfpy.attestation.simulated import TCB_VERSION_BYTES

    return _bytes(text, TCB_VERSION_BYTES, "no security version")


def _bytes(text: str, size: int, what: str) -> bytes:
    try:
        read = bytes.fromhex(text)
    except ValueError:
        read = b""
    if len(read) != size:
        raise Misused(f"{text!r} is {what}: give {size} bytes in hex")
    return read


def _machine_place(given: Path | None) -> Path:
    from ccfpy.enclave.platforms.simulated import usual_place

    return usual_place(os.environ) if given is None else given


def _vendor_place(given: Path | None) -> Path:
    return Path.home() / USUAL_VENDOR if given is None else given


def _machine(place: Path) -> "SimulatedMachine":
    from ccfpy.enclave.platforms.simulated import read_machine

    return _or_failed(lambda: read_machine(place))


def _read(place: Path, parse: Callable[[bytes], Kind], what: str) -> Kind:
    try:
        return parse(place.read_bytes())
    except (OSError, CcfpyError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise CommandFailed(
            f"cannot use the simulated {what} {place}: {reason}; make one with ccfpy "
            "enclave platform new, or name another"
        ) from error


def _or_failed(do: Callable[[], Kind]) -> Kind:
    try:
        return do()
    except CcfpyError as error:
        raise CommandFailed(str(error)) from error


def _write(place: Path, text: bytes) -> None:
    from ccfpy.client.keys import write_private

    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{os.getpid()}")
    write_private(beside, text.decode())
    beside.replace(place)


def _now() -> int:
    return int(time.time())


platform: Table = {
    "new": Entry("Make a machine, and its vendor if there is none yet.", lambda: new),
    "show": Entry("Show a machine, or a vendor, without their keys.", lambda: show),
    "update": Entry(
        "Bring a machine up to date, and to what its vendor says now.", lambda: update
    ),
    "require": Entry(
        "Announce a newer security version, as the vendor.", lambda: require
    ),
    "revoke": Entry("Revoke a machine, as the vendor.", lambda: revoke),
}
