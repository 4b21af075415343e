// A client of one service at several nodes, typed by the service's own documents.
//
// import { connect } from "@ccfpy/client/node"; in Node, or "@ccfpy/client" elsewhere.

import createClient, { type Client } from "openapi-fetch";
import { Nodes, type Send, Unreachable } from "./call.js";
import { txidHeader } from "./outcomes.js";
import type { paths as NodePaths } from "./types/node.js";

export { OutcomeUnknown, Unreachable } from "./call.js";

export interface Options {
  // Where nodes answer, such as https://127.0.0.1:8000; the first that answers is asked.
  readonly urls: readonly string[];
  // For a whole call: redirects, waits and repetitions included. 10 s if not given.
  readonly timeoutMs?: number;
  // No write relies on what was read or written before: repeat writes in a new view.
  readonly independentCalls?: boolean;
}

export interface Service<Paths extends object> {
  // Calls by the paths of the service's documents, as openapi-fetch types them.
  readonly client: Client<Paths>;
  // The same for writes that may be applied twice, so that they may be repeated.
  readonly idempotent: Client<Paths>;
  // The transaction that an answer names.
  txid(answer: Response): string;
  // Waits until that transaction can no longer be lost, and returns its id.
  waitCommitted(answer: Response | string, timeoutMs?: number): Promise<string>;
  close(): Promise<void>;
}

// A transaction was lost for certain (isFinal), or is not committed in time.
export class NotCommitted extends Error {
  constructor(
    readonly txid: string,
    reason: string,
    readonly isFinal: boolean,
  ) {
    super(`transaction ${txid} ${reason}`);
  }
}

const pollMs = 10;
const pollMaxMs = 250;

// Connects by a Send of one's own, such as that of Node or a browser.
export function connectBy<Paths extends object>(
  options: Options,
  send: Send,
  close: () => Promise<void> = async () => {},
): Service<Paths> {
  const { urls, timeoutMs = 10_000, independentCalls = false } = options;
  const origins = urls.map(originOf);
  const [baseUrl] = origins;
  if (baseUrl === undefined) throw new Unreachable("no address of a node to ask");
  const nodes = new Nodes({ send, timeoutMs, independentCalls }, origins);
  const typed = <P extends object>(idempotent: boolean) =>
    createClient<P>({ baseUrl, fetch: (request) => nodes.call(request, idempotent) });
  const node = typed<NodePaths>(false);

  const txid = (answer: Response): string => {
    const named = answer.headers.get(txidHeader);
    if (named === null) throw new Error("the answer names no transaction");
    return named;
  };

  const waitCommitted = async (answer: Response | string, withinMs = 10_000) => {
    const id = typeof answer === "string" ? answer : txid(answer);
    const deadline = Date.now() + withinMs;
    for (let pause = pollMs; ; pause = Math.min(2 * pause, pollMaxMs)) {
      const params = { query: { transaction_id: id } };
      // The last question, too, ends in time.
      const ask = (request: Request) => nodes.call(request, false, deadline - Date.now());
      const asked = node.GET("/node/tx", { params, fetch: ask });
      const { data, error } = await asked.catch((reason: unknown) => {
        // A timer may be a little early: what counts is time for another question.
        if (Date.now() + pause <= deadline) throw reason;
        return { data: undefined, error: undefined };
      });
      if (data?.status === "Committed") return id;
      if (data?.status === "Invalid") throw new NotCommitted(id, "was lost", true);
      if (Date.now() + pause > deadline) {
        const stands = data?.status ?? error?.error?.code ?? "not known";
        throw new NotCommitted(id, `is ${stands} after ${withinMs} ms`, false);
      }
      await new Promise((done) => setTimeout(done, pause));
    }
  };
  return { client: typed(false), idempotent: typed(true), txid, waitCommitted, close };
}

// Connects by the fetch of the platform, as in a browser: see README.md for what that
// cannot do. Where fetch does not say whether a request was sent, writes are not repeated.
export function connect<Paths extends object>(options: Options): Service<Paths> {
  const send: Send = (url, init) => fetch(url, { ...init, redirect: "follow" });
  return connectBy(options, send);
}

function originOf(url: string): string {
  const { protocol, origin } = new URL(url);
  if (protocol !== "https:") throw new Unreachable(`not an HTTPS address: ${url}`);
  return origin;
}
