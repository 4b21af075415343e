"""One try after another: a pair is made, shown in both ways, and judged."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Final

import orjson

from ccfpy.base.json import Json, JsonObject
from ccfpy.client.review import actions
from ccfpy.client.review.characters import inline, plain
from ccfpy.client.review.description import Diff, Fact
from ccfpy.client.review.proposal import describe
from ccfpy.client.review.reading import document_of, why_not_shown
from ccfpy.client.review.values import changes
from ccfpy.kv.maps import UNIT
from ccfpy.kv.store import Store
from ccfpy.service.tables import js, service
from tests.fuzz.review import judge, pairs
from tests.fuzz.review.judge import check
from tests.fuzz.review.readers import Engine, Page
from tests.unit.client.review.made import PROPOSAL, public_state

BATCH: Final = 250
"""Tries between two questions to the engine and to the page."""
_DIGEST: Final = re.compile("SHA-256 [0-9a-f]{64}")


@dataclass(slots=True)
class Tries:
    """Tries that were made, and what waits for a question.

    Attributes:
        engine: reads JSON; nothing asks it without one.
        page: draws what is shown; nothing asks it without one.
        count: how many tries were judged.
        by_kind: how many of each kind.
        refused: proposals that the engine reads and that are said not to be shown.
    """

    engine: Engine | None = None
    page: Page | None = None
    count: int = 0
    by_kind: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    _bodies: list[bytes] = field(default_factory=list)
    _texts: list[str] = field(default_factory=list)
    _diffs: list[Diff] = field(default_factory=list)

    def run(self, seed: str) -> None:
        """Make one try.

        Raises:
            Misled: a member would be misled.
        """
        dice = Random(seed)  # a seed names a try
        (kind,) = dice.choices(list(_KINDS), weights=[w for _, w in _KINDS.values()])
        _KINDS[kind][0](self, dice)
        self.count += 1
        self.by_kind[kind] = self.by_kind.get(kind, 0) + 1
        if self.count % BATCH == 0:
            self.ask()

    def ask(self) -> None:
        """Ask the engine and the page about the tries since the last time.

        Raises:
            Misled: what they say is something else than what is shown.
        """
        bodies, self._bodies = self._bodies, []
        texts, self._texts = self._texts, []
        diffs, self._diffs = self._diffs, []
        if self.engine is not None and bodies:
            for body, read in zip(bodies, self.engine.read(bodies), strict=True):
                self._agree(body, read)
        if self.page is not None:
            _drawn(self.page, texts, diffs)

    def _agree(self, body: bytes, read: str | None) -> None:
        if why_not_shown(body):
            self.refused += read is not None
            check(document_of(body) == {}, "a part of what cannot be shown", body)
            return
        check(read is not None, "the engine refuses what is shown", body)
        shown = _meaning(document_of(body))
        check(shown == _meaning(json.loads(read or "")), "read otherwise", body, read)

    def show(self, facts: Sequence[Fact], diffs: Sequence[Diff]) -> None:
        """Check that each character is seen, and keep what the page draws."""
        shown = [text for f in facts for text in (f.label, f.text, f.whole)]
        shown += [diff.subject for diff in diffs]
        lines = [line for diff in diffs for line in (*diff.lines, *diff.laid_out)]
        for text in (*shown, *(line[1:] for line in lines)):
            judge.seen(text)
        if self.page is not None:
            self._texts += [*shown, *lines]
            self._diffs += diffs
            json.loads(orjson.dumps([*facts, *diffs]))


def _meaning(value: Json) -> str:
    """Return what JSON says: JavaScript has one kind of numbers."""

    def normal(item: Json) -> Json:
        if isinstance(item, float) and item.is_integer():
            return int(item)
        if isinstance(item, list):
            return [normal(each) for each in item]
        if isinstance(item, dict):
            return {name: normal(each) for name, each in item.items()}
        return item

    return json.dumps(normal(value), sort_keys=True)


def _drawn(page: Page, texts: Sequence[str], diffs: Sequence[Diff]) -> None:
    named = [
        {**json.loads(orjson.dumps(diff)), "subject": f"{number} {diff.subject}"}
        for number, diff in enumerate(diffs)
    ]
    told = page.ask(texts, named)
    for text, drawn in zip(texts, told["told"], strict=True):
        bare = re.sub("[⟪⟫]", "", text)
        check(drawn["shown"] == bare, "the page shows another text", text, drawn)
        check(drawn["marks"] == text.count("⟦"), "no element of its own", text, drawn)
        for cut in drawn["cuts"]:
            part = text[:cut]
            check(part.count("⟦") == part.count("⟧"), "a mark is cut", text, cut)
    names = sorted([*told["changed"], *told["unchangedNames"]])
    expected = sorted(str(each["subject"]) for each in named)
    check(names == expected, "the page leaves a difference out", names, expected)


def _try_text(tries: Tries, dice: Random) -> None:
    given = pairs.program(dice)
    judge.text(given, plain(given))
    check("\n" not in inline(given), "a line break", given)
    check(judge.read_back(inline(given)) == given, "another text", given)
    tries.show([Fact(label=inline(given), text=plain(given))], ())


def _try_file(tries: Tries, dice: Random) -> None:
    before = pairs.program(dice)
    after = before
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        after = pairs.changed(dice, after)
    is_module = dice.random() < 0.7
    told = []
    for was in (before, None):
        (diff,) = _row_changes(was, after, is_module=is_module)
        told.append(diff)
        judge.difference(was or "", after, diff) if was is not None or after else None
    tries.show((), told)
    check(before == after or judge.printed((), told[:1])[3:], "nothing printed", before)


def _row_changes(before: str | None, after: str, *, is_module: bool) -> list[Diff]:
    table = js.MODULES.name if is_module else service.CONSTITUTION.name
    key = b"/a.js" if is_module else UNIT

    def stored(text: str) -> bytes:
        return text.encode() if is_module else json.dumps(text).encode()

    store = Store()
    if before is not None:
        store.apply(1, {table: {key: stored(before)}})
    return list(changes(store, {table: {key: stored(after)}}))


def _try_alike(tries: Tries, dice: Random) -> None:
    """Files that are said to change by the same lines do."""
    before, after = pairs.program(dice), pairs.program(dice)
    rows: dict[bytes, bytes | None] = {}
    store, old = Store(), {}
    for number in range(3):
        name = b"/%d.js" % number
        text = f"{before}{number}\n" if dice.random() < 0.5 else before
        changed = pairs.changed(dice, after) if dice.random() < 0.5 else after
        old[name], rows[name] = text.encode(), changed.encode()
    store.apply(1, {js.MODULES.name: old})
    diffs = list(changes(store, {js.MODULES.name: rows}))
    groups: dict[str, tuple[str, ...]] = {}
    for diff in diffs:
        if diff.alike:
            lines = tuple(line for line in diff.lines if line[0] in "+-")
            check(groups.setdefault(diff.alike, lines) == lines, "not alike", rows)
    tries.show((), diffs)


def _try_arguments(tries: Tries, dice: Random) -> None:
    one = pairs.document(dice)
    other = pairs.other_document(dice, one)
    told = [list(actions.facts(each)) for each in (one, other)]
    tries.show([*told[0], *told[1]], ())
    # What is cut ends in three dots of our own.
    judge.seen(actions.title(one).replace("⦆… of", "⦆ of"))
    if json.dumps(one) == json.dumps(other):
        return
    shown = [judge.printed(facts, ()) for facts in told]
    check(shown[0] != shown[1], "the same is printed", one, other)
    if not any(actions.INSTALLS in actions.names(each) for each in (one, other)):
        whole = [
            [(f.label, _DIGEST.sub("", f.text), f.whole) for f in facts]
            for facts in told
        ]
        check(whole[0] != whole[1], "the page shows the same", one, other)


def _try_spelling(tries: Tries, dice: Random) -> None:
    body = pairs.body(dice)
    if tries.engine is not None:
        tries._bodies.append(body)  # its own kind of try
    judge.text(
        body.decode(errors="surrogateescape"),
        plain(body.decode(errors="surrogateescape")),
    )


def _try_whole(tries: Tries, dice: Random) -> None:
    """Run the constitution over two proposals, and compare all that is printed."""
    one = pairs.program(dice)
    other = pairs.changed(dice, one)
    shown = []
    for text in (one, other):
        told = describe(public_state(_installs(text)), PROPOSAL, {})
        facts = [f for s in told.sections for f in s.facts if f.label != "bundle"]
        diffs = [diff for s in told.sections for diff in s.diffs]
        tries.show(facts, diffs)
        hidden = {"SHA-256", "bundle"}
        shown.append(judge.printed([f for f in facts if f.label not in hidden], diffs))
    check((shown[0] == shown[1]) == (one == other), "the same is printed", one, other)


def _installs(text: str) -> JsonObject:
    endpoint: Json = {
        "get": {
            "js_module": "a.js",
            "js_function": "f",
            "authn_policies": ["user_cert"],
            "mode": "readonly",
            "forwarding_required": "never",
            "openapi": {},
        }
    }
    bundle: Json = {
        "metadata": {"endpoints": {"/a": endpoint}},
        "modules": [{"name": "a.js", "module": text}],
    }
    arguments: Json = {"bundle": bundle, "disable_bytecode_cache": True}
    return {"name": actions.INSTALLS, "args": arguments}


_KINDS: Final[dict[str, tuple[Callable[[Tries, Random], None], float]]] = {
    "texts": (_try_text, 20),
    "files": (_try_file, 45),
    "files that change alike": (_try_alike, 10),
    "arguments": (_try_arguments, 30),
    "spellings": (_try_spelling, 15),
    "proposals, whole": (_try_whole, 0.3),
}
