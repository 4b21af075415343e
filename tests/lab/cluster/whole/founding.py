"""The member and the constitution of a simulated service, the same in every run.

One member decides alone: a proposal is one request.
"""

from dataclasses import replace
from functools import cache

from ccfpy.client import share
from ccfpy.testing.configuration import Person
from tests.lab.cluster.whole.interception import pooled_key


@cache
def member() -> Person:
    """Return the only member."""
    return replace(Person.make("member0"), encryption_key=pooled_key(0))


@cache
def constitution() -> str:
    """Return a constitution that accepts whatever is proposed."""
    scripts = share.constitution("sandbox")
    return "\n".join(script.read_text(encoding="utf-8") for script in scripts)
