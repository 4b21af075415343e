// The rules of a call against services that exist as scripts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { connectBy, NotCommitted } from "../src/connect.js";
import { Nodes, NotSent, OutcomeUnknown, type Send, Unreachable } from "../src/call.js";

const A = "https://a";
const B = "https://b";
type Came = Response | Error;

const ok = () => new Response("ok");
const error = (status: number, code: string, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify({ error: { code, message: "x" } }), { status, headers });
const busy = () => error(503, "TooManyPendingTransactions");
const late = () => new Response("late", { status: 504 });
const view = () => error(500, "SessionConsistencyLost");
const lost = () => new TypeError("fetch failed", { cause: new Error("lost") });
const redirect = (location: string) =>
  new Response(null, { status: 307, headers: { location } });

interface Told {
  method?: string;
  idempotent?: boolean;
  independentCalls?: boolean;
  timeoutMs?: number;
}

// Runs one call whose attempts come to these, and returns the addresses that were asked.
async function run(told: Told, ...came: Came[]): Promise<[string[], Response]> {
  const { method = "POST", idempotent = false, independentCalls = false } = told;
  const asked: string[] = [];
  const send: Send = async (url, init) => {
    asked.push(url.replace("/x", ""));
    assert.equal(init.method, method);
    const next = came[asked.length - 1] ?? ok();
    if (next instanceof Error) throw next;
    return next;
  };
  const rules = { send, timeoutMs: told.timeoutMs ?? 10_000, independentCalls };
  const body = method === "GET" ? null : "{}";
  const request = new Request(`${A}/x`, { method, body });
  return [asked, await new Nodes(rules, [A, B]).call(request, idempotent)];
}

test("the next address is asked where nothing was sent", async () => {
  const [asked, answer] = await run({}, new NotSent("refused"));
  assert.deepEqual(asked, [A, B]);
  assert.equal(await answer.text(), "ok");
});

test("an outage of all nodes ends a call at once", async () => {
  const refused = () => new NotSent("refused");
  await assert.rejects(run({}, refused(), refused()), Unreachable);
});

test("a write that was not executed is repeated", async () => {
  const [asked] = await run({}, busy(), busy());
  assert.deepEqual(asked, [A, B, A]);
});

test("a wait longer than the time left is not begun", async () => {
  const slow = error(503, "PrimaryNotFound", { "retry-after": "5" });
  const [asked, answer] = await run({ timeoutMs: 1000 }, slow);
  assert.deepEqual([asked, answer.status], [[A], 503]);
});

for (const [name, came] of [["lost", lost], ["late", late]] as const) {
  test(`a write whose answer is ${name} is unknown`, async () => {
    await assert.rejects(run({}, came()), OutcomeUnknown);
  });
  test(`what may be applied twice is repeated when its answer is ${name}`, async () => {
    assert.deepEqual((await run({ idempotent: true }, came()))[0], [A, B]);
    assert.deepEqual((await run({ method: "GET" }, came()))[0], [A, B]);
  });
}

test("an attempt that may have been applied is not forgotten", async () => {
  const told = { idempotent: true, timeoutMs: 500 };
  const refused = new NotSent("refused");
  await assert.rejects(run(told, lost(), refused, refused), OutcomeUnknown);
  const slow = error(503, "PrimaryNotFound", { "retry-after": "5" });
  await assert.rejects(run(told, late(), slow), OutcomeUnknown);
});

test("a changed view is the caller's unless calls are independent", async () => {
  assert.equal((await run({}, view()))[1].status, 500);
  assert.equal((await run({ method: "GET" }, view()))[1].status, 200);
  assert.equal((await run({ independentCalls: true }, view()))[1].status, 200);
});

test("redirects are followed over HTTPS alone, and have a bound", async () => {
  assert.deepEqual((await run({}, redirect("https://c/x")))[0], [A, "https://c"]);
  await assert.rejects(run({}, redirect("http://c/x")), /away from HTTPS/);
  const forever = Array.from({ length: 9 }, () => redirect("/x"));
  await assert.rejects(run({}, ...forever), /redirected 5 times/);
});

test("an answer that names its transaction is never repeated", async () => {
  const invalid = error(503, "TransactionInvalid", {
    "x-ms-ccf-transaction-id": "2.3",
    "retry-after": "1",
  });
  assert.deepEqual((await run({}, invalid))[0], [A]);
});

// The runtime ends an attempt in time, and its timer may be a little early.
for (const [when, earlyMs] of [["in time", 0], ["early", 5]] as const) {
  test(`a node that hangs until it is given up ${when} leaves nothing committed`, async () => {
    const hang: Send = (_, init) =>
      new Promise((_done, fail) => {
        const giveUp = () => fail(new Error("aborted"));
        init.signal?.addEventListener("abort", giveUp);
        setTimeout(giveUp, earlyMs === 0 ? 1000 : 200 - earlyMs);
      });
    const service = connectBy({ urls: [A], timeoutMs: 600_000 }, hang);
    await assert.rejects(service.waitCommitted("2.9", 200), NotCommitted);
  });
}

test("an outage while a commit is awaited is told at once", async () => {
  const refuse: Send = async () => {
    throw new NotSent("refused");
  };
  const service = connectBy({ urls: [A], timeoutMs: 600_000 }, refuse);
  await assert.rejects(service.waitCommitted("2.9", 60_000), Unreachable);
});
