"""A consortium: two banks and a regulator, who govern, and customers who do not."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from apps import banking_py
from ccfpy.base.json import JsonObject
from ccfpy.testing.apps import Answer, AppSource, Caller, MemberCaller, Service
from ccfpy.testing.node import Person

ROOT = Path(__file__).resolve().parents[2]
TYPESCRIPT = ROOT / "apps" / "banking"
BUILT = TYPESCRIPT / "dist"
DEFAULT = ROOT / "governance" / "constitutions" / "default"
CONSTITUTION = [
    DEFAULT / "actions.js",
    TYPESCRIPT / "constitution" / "actions.js",
    DEFAULT / "validate.js",
    TYPESCRIPT / "constitution" / "resolve.js",
    DEFAULT / "apply.js",
]
BANKS = ("aurora", "borealis")
CUSTOMERS = ("ann", "bob", "eve")
REGULATOR: JsonObject = {"role": "regulator"}


def built() -> Path:
    """Return the folder of the bundle, if it was built of the current sources."""
    advice = "run make apps"
    try:
        source_map = json.loads((BUILT / "endpoints.js.map").read_text())
    except FileNotFoundError:
        raise AssertionError(f"{TYPESCRIPT} is not built: {advice}") from None
    folder = BUILT / "src"
    of = dict(zip(source_map["sources"], source_map["sourcesContent"], strict=True))
    stale = [
        path.name
        for path in sorted((TYPESCRIPT / "src").glob("*.ts"))
        if of.get(f"../src/{path.name}") != path.read_text()
    ]
    if (BUILT / "app.json").read_text() != (TYPESCRIPT / "app.json").read_text():
        stale.append("app.json")
    assert not stale, f"{folder} was built of other {', '.join(stale)}: {advice}"
    return BUILT


def sources() -> dict[str, AppSource]:
    """Return the two sources that must not differ."""
    return {"typescript": built(), "python": banking_py.app}


def teller(bank: str) -> Person:
    """Return the participant that acts for a bank."""
    return Person.make(f"teller of {bank}")


def set_bank(bank: str, *, member: Person | None = None) -> JsonObject:
    """Return the action that admits a bank, whose member has its name."""
    person = member or Person.make(bank)
    arguments: JsonObject = {
        "bank_id": bank,
        "name": bank.title(),
        "member_cert": person.certificate.pem,
        "user_cert": teller(bank).certificate.pem,
    }
    return {"name": "set_bank", "args": arguments}


def fresh_reference() -> str:
    """Return a reference that was never used."""
    return str(uuid.uuid4())


@dataclass
class Consortium:
    """A service, and its participants by their names."""

    service: Service

    @classmethod
    def open(cls, app: AppSource, *, nodes: int = 1) -> "Consortium":
        """Admit the banks by the founders' votes, and open the service."""
        service = Service.open(
            app,
            constitution=CONSTITUTION,
            members={"regulator": REGULATOR, **dict.fromkeys(BANKS)},
            users={**dict.fromkeys(CUSTOMERS), "inspector": REGULATOR},
            actions=[set_bank(bank) for bank in BANKS],
            nodes=nodes,
        )
        return cls(service)

    def caller(self, name: str) -> Caller:
        """Return a bank's teller, a user, or anybody."""
        if name == "anybody":
            return self.service.anybody
        if name in self.tellers:
            return self.tellers[name]
        if name == "stranger":
            return self.service.stranger()
        return self.service.user(name)

    @cached_property
    def tellers(self) -> dict[str, Caller]:
        """Who acts for each bank."""
        return {
            bank: Caller(self.service, f"teller of {bank}", person=teller(bank))
            for bank in BANKS
        }

    def open_account(self, account: str, *, bank: str, owner: str) -> Answer:
        """Open an account for a user, or for the participant that the text names, as a
        bank."""
        known = owner in CUSTOMERS
        principal = self.service.user(owner).id if known else owner
        return self.tellers[bank].put(f"/app/accounts/{account}", {"owner": principal})

    def cash(
        self, account: str, amount: int, *, bank: str, reference: str | None = None
    ) -> Answer:
        """Pay in as a bank, or pay out if the amount is negative."""
        way = "deposits" if amount > 0 else "withdrawals"
        path = f"/app/accounts/{account}/{way}/{reference or fresh_reference()}"
        return self.tellers[bank].put(path, {"amount": abs(amount)})

    def send(
        self,
        sender: Caller,
        account: str,
        to: str,
        amount: int,
        reference: str | None = None,
    ) -> Answer:
        """Send money."""
        path = f"/app/accounts/{account}/transfers/{reference or fresh_reference()}"
        return sender.put(path, {"to": to, "amount": amount})

    def statement(
        self, reader: Caller, account: str, query: str = ""
    ) -> list[JsonObject]:
        """Read a statement, page after page."""
        self.service.wait_committed()
        entries: list[JsonObject] = []
        link = f"/app/accounts/{account}/statement{query}"
        while link:
            page = reader.get_past(link).raise_for_error().object()
            listed = page["entries"]
            assert isinstance(listed, list)
            entries += [entry for entry in listed if isinstance(entry, dict)]
            link = str(page.get("@nextLink", ""))
        return entries

    def propose(self, *actions: JsonObject, voters: Sequence[str]) -> str:
        """Propose as the first member, vote as all; return the proposal's state."""
        members: list[MemberCaller] = [self.service.member(name) for name in voters]
        status = members[0].propose(*actions)
        for member in members:
            if status.is_open:
                status = member.vote(status.proposal_id)
        return str(status.state)
