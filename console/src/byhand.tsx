// Signing elsewhere: what to sign is taken away as a file, and the signed message is brought back.
import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import type { ProposalPage } from "./answers";
import { committed, signingFacts, submit } from "./api";
import { ballot } from "./ballots";
import type { Bytes } from "./der";
import { type Signed, signedMessage } from "./message";
import { type MessageType, sizeTrouble, text } from "./signing";
import { said, short } from "./words";

interface Expected {
  readonly type: MessageType;
  readonly payload: string;
  readonly proposalId: string;
}

interface Done {
  readonly state: string | null;
  readonly txid: string | null;
}

/** Takes a signed message from a file, says what it is, and sends it. */
interface Sending {
  readonly expected?: Expected;
  /** Throws if the message is not to be sent any more. */
  readonly check?: (() => Promise<void>) | undefined;
  readonly done?: (what: Done) => void;
}

export function SendSigned({ expected, check, done }: Sending) {
  const message = useSignal<Signed | null>(null);
  const bytes = useSignal<Bytes | null>(null);
  const status = useSignal("");
  const isBad = useSignal(false);
  const isBusy = useSignal(false);
  const latest = useRef(0);

  function fail(error: unknown): void {
    isBad.value = true;
    status.value = said(error);
  }

  async function take(file: File | undefined): Promise<void> {
    message.value = null;
    isBad.value = false;
    status.value = "";
    // A file that is chosen meanwhile takes this one's place.
    const chosen = ++latest.current;
    if (!file) return;
    try {
      const read = new Uint8Array(await file.arrayBuffer());
      const found = signedMessage(read);
      const wrong = expected ? difference(found, expected) : "";
      if (wrong) throw new Error(wrong);
      const size = sizeTrouble(read, await signingFacts(found.memberId));
      if (size) throw new Error(size);
      if (chosen === latest.current) [message.value, bytes.value] = [found, read];
    } catch (error) {
      if (chosen === latest.current) fail(error);
    }
  }

  async function send(): Promise<void> {
    if (isBusy.value || !bytes.value) return;
    isBusy.value = true;
    isBad.value = false;
    status.value = "Sending …";
    try {
      await check?.();
      const { state, txid, text: answer } = await submit(bytes.value);
      if (txid) await committed(txid);
      const taken = txid ? `The message is committed as ${txid}.` : "The service took the message.";
      status.value = state ? `${taken} The proposal is ${state}.` : `${taken} ${answer}`;
      done?.({ state, txid });
    } catch (error) {
      fail(error);
    } finally {
      isBusy.value = false;
    }
  }

  const found = message.value;
  return (
    <div class="inset">
      <label>
        The signed message, such as signed.cose
        <input type="file" onChange={(event) => void take(event.currentTarget.files?.[0])} />
      </label>
      {found && (
        <>
          <p>
            A message of the type <b>{found.type}</b> by member <code title={found.memberId}>{short(found.memberId)}</code>,
            made {new Date(found.createdAt * 1000).toLocaleString("en", { hour12: false })}
            {found.proposalId && (
              <>
                , about proposal <code title={found.proposalId}>{short(found.proposalId)}</code>
              </>
            )}
            .
          </p>
          {found.payload.length > 0 && (
            <details>
              <summary>What it says</summary>
              <pre tabIndex={0}>{new TextDecoder().decode(found.payload)}</pre>
            </details>
          )}
          <button type="button" disabled={isBusy.value} onClick={() => void send()}>
            Send this message
          </button>
        </>
      )}
      <p role="status" class={isBad.value ? "bad" : ""}>
        {status.value}
      </p>
    </div>
  );
}

function difference(found: Signed, expected: Expected): string {
  if (found.type !== expected.type) return `this message is of the type ${found.type}, and not ${expected.type}`;
  if (found.proposalId !== expected.proposalId) return "this message is about another proposal";
  if (new TextDecoder().decode(found.payload) !== expected.payload)
    return "this message says something else than what was to be signed: take the file above again";
  return "";
}

type Choice = "in favour" | "against" | "withdraw";

const CHOICES: Readonly<Record<Choice, string>> = { "in favour": "In favour", against: "Against", withdraw: "Withdraw the proposal, as its proposer alone can" };

/** The lines for a machine with the key, the file to sign there, and the way back. */
export function ByHand(props: { page: ProposalPage; choices: readonly Choice[]; check: () => Promise<void>; again: () => Promise<unknown> }) {
  const { page, choices, check, again } = props;
  // None is chosen for the member.
  const choice = useSignal<Choice | null>(null);
  const time = useMemo(() => new Date().toISOString().replace(/\.\d+/, ""), [page.id]);
  const isVote = choice.value !== "withdraw";
  const payload = isVote ? ballot(page.digest, choice.value === "in favour") : "";
  const file = isVote ? `ballot-${short(page.id)}.json` : `withdrawal-${short(page.id)}`;
  const type = isVote ? "ballot" : "withdrawal";
  const about = `--content ${file} --type ${type} --created-at ${time} --proposal-id ${page.id}`;
  const isChosen = choice.value !== null && choices.includes(choice.value);
  const link = useMemo(() => URL.createObjectURL(new Blob([text(payload)], { type: "application/octet-stream" })), [payload]);
  return (
    <div class="inset">
      <fieldset>
        <legend>What to sign</legend>
        {choices.map((each) => (
          <label key={each} class="check">
            <input type="radio" name="choice" checked={choice.value === each} onChange={() => (choice.value = each)} />
            {CHOICES[each]}
          </label>
        ))}
      </fieldset>
      {isChosen && <ol>
        <li>
          Take{" "}
          <a href={link} download={file}>
            {file}
          </a>{" "}
          to the machine with the key.
        </li>
        <li>
          Sign it there, where ccfpy has the key:
          <pre tabIndex={0}>{`ccfpy gov sign ${about} --as MEMBER > signed.cose`}</pre>
          or where another program signs the digest in digest.json and leaves signature.json:
          <pre tabIndex={0}>
            {`ccfpy gov prepare ${about} --cert MEMBER_cert.pem > digest.json\n` +
              `ccfpy gov finish ${about} --cert MEMBER_cert.pem --signature signature.json > signed.cose`}
          </pre>
        </li>
        <li>
          Send the message from here, or with <code>ccfpy gov send signed.cose</code>:
          <SendSigned key={choice.value} expected={{ type, payload, proposalId: page.id }} check={isVote ? check : undefined} done={() => void again()} />
        </li>
      </ol>}
    </div>
  );
}
