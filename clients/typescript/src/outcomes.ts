// What one attempt of a request came to, and what may follow. The table is that of
// ccfpy/client/call.py, and a test there compares the two: it decides by what may have
// happened to the request, and not by its status alone.

export type Outcome = keyof typeof moves;
export type Repeatability = "read" | "idempotent" | "once";
export type Move = "ask_next" | "follow" | "repeat" | "give_up" | "return";

export const moves = {
  not_sent: { read: "ask_next", idempotent: "ask_next", once: "ask_next" },
  redirected: { read: "follow", idempotent: "follow", once: "follow" },
  not_executed: { read: "repeat", idempotent: "repeat", once: "repeat" },
  view_changed: { read: "repeat", idempotent: "return", once: "return" },
  no_answer: { read: "repeat", idempotent: "repeat", once: "give_up" },
  forward_lost: { read: "repeat", idempotent: "repeat", once: "give_up" },
  answered: { read: "return", idempotent: "return", once: "return" },
} as const satisfies Record<string, Record<Repeatability, Move>>;

// Codes of a 503 that a node answers instead of executing the request.
export const notExecuted: ReadonlySet<string> = new Set([
  "BackupNotFound",
  "InternalError",
  "PrimaryNotFound",
  "RequestAlreadyForwarded",
  "SessionCapExhausted",
  "TooManyPendingTransactions",
  "TransactionCommitAttemptsExceedLimit",
  "TransactionReplicationFailed",
]);

export const txidHeader = "x-ms-ccf-transaction-id";

export function repeatability(method: string, idempotent: boolean): Repeatability {
  if (["GET", "HEAD", "OPTIONS"].includes(method)) return "read";
  return idempotent ? "idempotent" : "once";
}

export async function outcomeOf(answer: Response): Promise<Outcome> {
  const { status, headers } = answer;
  if ((status === 307 || status === 308) && headers.has("location")) return "redirected";
  if (status < 400 || headers.has(txidHeader)) return "answered";
  if (status === 503) {
    const isKnown = notExecuted.has(await errorCode(answer));
    return isKnown || headers.has("retry-after") ? "not_executed" : "answered";
  }
  if (status === 500 && (await errorCode(answer)) === "SessionConsistencyLost")
    return "view_changed";
  return status === 504 ? "forward_lost" : "answered";
}

async function errorCode(answer: Response): Promise<string> {
  try {
    const body = (await answer.clone().json()) as { error?: { code?: unknown } };
    return String(body.error?.code ?? "");
  } catch {
    return "";
  }
}
