"""A bundle's digest changes with every byte of it, and with nothing else."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccfpy.attestation.manifest import Bundle, files_digest
from ccfpy.base import json
from ccfpy.base.errors import VerificationFailed
from ccfpy.crypto.hashing import sha256

BUNDLE = Bundle(
    framework=b"\x01" * 32,
    dependencies={"a": "1", "b": "2"},
    application={"__init__.py": b"\x02" * 32, "x/y.py": b"\x03" * 32},
    interface=b"\x04" * 32,
    configuration={"limit": 1},
)
DIGESTS = st.binary(min_size=32, max_size=32)
FILES = st.dictionaries(st.text(min_size=1, max_size=8), DIGESTS, max_size=4)


def test_the_digest_is_as_the_format_says() -> None:
    def u32(number: int) -> bytes:
        return number.to_bytes(4, "little")

    files = b"ccfpy enclave files v1\0"
    for path, digest in ((b"__init__.py", b"\x02" * 32), (b"x/y.py", b"\x03" * 32)):
        files += u32(len(path)) + path + digest
    whole = b"".join(
        [
            b"ccfpy enclave bundle v1\0",
            b"\x01" * 32,
            sha256(b'{"a":"1","b":"2"}'),
            sha256(files),
            b"\x04" * 32,
            sha256(b'{"limit":1}'),
        ]
    )
    assert BUNDLE.unique_id == sha256(whole)


@given(FILES, FILES)
def test_files_have_one_digest_for_one_set_of_paths_and_contents(
    one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    shuffled = dict(reversed(one.items()))
    assert files_digest(one) == files_digest(shuffled)
    assert (files_digest(one) == files_digest(other)) == (one == other)


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (replace(BUNDLE, framework=bytes(32)), "differ in framework"),
        (replace(BUNDLE, interface=bytes(32)), "differ in interface"),
        (replace(BUNDLE, configuration={"limit": 2}), "differ in configuration"),
        (
            replace(BUNDLE, dependencies={"a": "1", "b": "3"}),
            r"differ in dependencies \(b\)",
        ),
        (
            replace(BUNDLE, application={"__init__.py": b"\x02" * 32}),
            r"differ in application \(x/y.py\)",
        ),
        (
            replace(BUNDLE, application={**BUNDLE.application, "z": bytes(32)}),
            r"differ in application \(z\)",
        ),
        (
            replace(BUNDLE, framework=bytes(32), application={}),
            r"differ in framework, application \(__init__.py, x/y.py\)",
        ),
    ],
)
def test_what_differs_is_named(other: Bundle, told: str) -> None:
    assert other.unique_id != BUNDLE.unique_id
    with pytest.raises(VerificationFailed, match=told):
        other.check_same(BUNDLE)


def test_the_same_is_the_same() -> None:
    read = replace(BUNDLE, configuration=json.loads_object(b'{"limit":1}'))
    read.check_same(BUNDLE)


def test_many_differences_are_not_all_told() -> None:
    many = replace(BUNDLE, application={f"{n}.py": bytes(32) for n in range(9)})
    with pytest.raises(VerificationFailed, match=r"0.py, 1.py, 2.py, 3.py, 4.py, …\)"):
        many.check_same(BUNDLE)
