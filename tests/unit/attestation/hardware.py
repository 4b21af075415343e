"""Evidence that CCF recorded on real processors."""

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "vectors/attestation"
NOW_S = 1_750_000_000
PRODUCTS = ("milan", "genoa")


def recorded(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def report_of(product: str) -> bytes:
    return recorded(f"snp_{product}.report")


def chain_of(product: str) -> bytes:
    return recorded(f"snp_{product}.chain.pem")
