// Requests to the console's server, and the stream of what changes.
import type {
  Acknowledged,
  AppPage,
  CallAnswer,
  CallForm,
  CallStanding,
  Cast,
  EncryptedShare,
  HandedInShare,
  KeyHistory,
  Keys,
  ModulePage,
  OlderProposals,
  Problem,
  ProposalPage,
  Proposed,
  ReceiptPage,
  SigningFacts,
  Start,
  Submitted,
  Text,
  TransactionPage,
  Transactions,
} from "./answers";

const TOKEN = "ccfpy-token";

/** The token of this start of the console: moved out of the address, which people copy. */
function token(): string {
  const match = /^#token=([\w-]+)$/.exec(location.hash);
  if (match?.[1]) {
    sessionStorage.setItem(TOKEN, match[1]);
    window.history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(TOKEN) ?? "";
}

const headers = { authorization: `Bearer ${token()}` };

async function answered<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, headers });
  } catch {
    throw new Error("The console does not answer: was it ended in the terminal?");
  }
  const body: unknown = await response.json();
  if (!response.ok) throw new Error((body as Problem).error);
  return body as Answer;
}

export const start = (): Promise<Start> => answered("/api/start");

const asked = (questions: Readonly<Record<string, string | number>>): string =>
  new URLSearchParams(Object.entries(questions).map(([name, about]) => [name, String(about)])).toString();

const asMember = (member: string | null): string => (member === null ? "" : `?member=${member}`);

/**
 * A proposal, as the member sees it who signs in the page, or else on the console's machine.
 *
 * The outcome that is shown already is found out once more as it was found out then: it stays if nothing has changed.
 */
export const proposal = (id: string, member: string | null, outcome: string): Promise<ProposalPage> => {
  const questions = { ...(member === null ? {} : { member }), ...(outcome ? { outcome } : {}) };
  return answered(`/api/proposals/${id}?${asked(questions)}`);
};

/** Closed proposals that are older than those of the list. */
export const older = (before: number): Promise<OlderProposals> => answered(`/api/proposals?before=${before}`);

export const committed = (txid: string): Promise<Cast> => answered(`/api/committed/${txid}`);

/** Vote on what was read: the proposal's bytes, and what would come of it. */
export const vote = (id: string, digest: string, outcome: string, inFavour: boolean): Promise<Cast> =>
  answered(`/api/proposals/${id}/vote`, {
    method: "POST",
    body: JSON.stringify({ digest, outcome, in_favour: inFavour }),
  });

export const withdraw = (id: string): Promise<Cast> => answered(`/api/proposals/${id}/withdraw`, { method: "POST" });

export const acknowledge = (): Promise<Acknowledged> => answered("/api/acknowledge", { method: "POST" });

/** What a signer compares before signing. */
export const signingFacts = (member: string | null = null): Promise<SigningFacts> =>
  answered(`/api/signing${asMember(member)}`);

/** Forward a signed message; the message says where it belongs. */
export const submit = (message: Uint8Array<ArrayBuffer>): Promise<Submitted> =>
  answered("/api/submit", { method: "POST", body: message });

export const goOn = (): Promise<Proposed> => answered("/api/recovery/proposal", { method: "POST", body: "{}" });

export const handIn = (): Promise<HandedInShare> => answered("/api/recovery/share", { method: "POST", body: "{}" });

export const encryptedShare = (member: string): Promise<EncryptedShare> => answered(`/api/recovery/share/${member}`);

export const receipt = (txid: string): Promise<ReceiptPage> => answered(`/api/receipt/${txid}`);

export const explain = (text: string, claims: string | null): Promise<ReceiptPage> =>
  answered("/api/receipt", { method: "POST", body: JSON.stringify({ receipt: text, claims }) });

export const transactions = (after: number): Promise<Transactions> => answered(`/api/tx?after=${after}`);

export const transaction = (seqno: number): Promise<TransactionPage> => answered(`/api/tx/${seqno}`);

export const keys = (map: string, prefix: string): Promise<Keys> => answered(`/api/keys?${asked({ map, prefix })}`);

export const history = (map: string, key: string, before: number | null): Promise<KeyHistory> =>
  answered(`/api/history?${asked(before === null ? { map, key } : { map, key, before })}`);

export const value = (map: string, key: string, seqno: number): Promise<Text> =>
  answered(`/api/value?${asked({ map, key, seqno })}`);

export const app = (): Promise<AppPage> => answered("/api/app");

/** What is filled in to call an endpoint. */
export const callForm = (verb: string, path: string): Promise<CallForm> => answered(`/api/call?${asked({ verb, path })}`);

export interface Filled {
  readonly verb: string;
  readonly path: string;
  readonly fields: ReadonlyArray<{ readonly place: string; readonly name: string; readonly value: string }>;
  readonly body: string | null;
  readonly media_type: string | null;
}

/** Send a request by the console. */
export const call = (filled: Filled): Promise<CallAnswer> =>
  answered("/api/call", { method: "POST", body: JSON.stringify(filled) });

export const standing = (txid: string): Promise<CallStanding> => answered(`/api/call/${txid}`);

export const module = (name: string): Promise<ModulePage> => answered(`/api/module?${asked({ name })}`);

/** Read events for as long as the server sends them; throws when it stops. */
export async function listen(taken: (topic: string, value: unknown) => void): Promise<void> {
  const response = await fetch("/api/stream", { headers });
  if (!response.ok || !response.body) throw new Error(((await response.json()) as Problem).error);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) throw new Error("The console was ended.");
    const events = (rest + value).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const [topic, data] = event.split("\n");
      if (topic?.startsWith("event: ") && data?.startsWith("data: "))
        taken(topic.slice(7), JSON.parse(data.slice(6)));
    }
  }
}
