// The member's key in this page: choosing, remembering, forgetting it; and becoming active.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { SigningFacts } from "./answers";
import { acknowledge, committed, signingFacts } from "./api";
import { SendSigned } from "./byhand";
import { drop, isRemembered, pageKey, signAndSubmit, signer, use } from "./signer";
import { loadKey, text } from "./signing";
import { started } from "./state";
import { said } from "./words";

const STATE_DIGEST = "stateDigest";

/** Takes a key file and a certificate; the key is used in this page and sent nowhere. */
export function KeyChooser() {
  const key = useSignal<File | null>(null);
  const certificate = useSignal<File | null>(null);
  const isKept = useSignal(false);
  const trouble = useSignal("");

  async function load(): Promise<void> {
    if (!key.value || !certificate.value) return;
    try {
      const loaded = await loadKey(await key.value.text(), await certificate.value.text());
      await use(loaded, isKept.value);
      trouble.value = "";
    } catch (error) {
      trouble.value = said(error);
    }
  }

  return (
    <form
      class="inset"
      onSubmit={(event) => {
        event.preventDefault();
        void load();
      }}
    >
      <p>The key stays in this page: what is signed is sent, the key is not. No script can read it out again.</p>
      <label>
        Key, such as member0_privk.pem
        <input type="file" accept=".pem,.key" onChange={(event) => (key.value = event.currentTarget.files?.[0] ?? null)} />
      </label>
      <label>
        Certificate, such as member0_cert.pem
        <input
          type="file"
          accept=".pem,.crt,.cer"
          onChange={(event) => (certificate.value = event.currentTarget.files?.[0] ?? null)}
        />
      </label>
      <label class="check">
        <input type="checkbox" checked={isKept.value} onChange={(event) => (isKept.value = event.currentTarget.checked)} />
        Remember on this device, for a console at this address. Everybody who uses this browser can then sign with the key, and
        so can anything that is served at this address of this machine.
      </label>
      <button type="submit" disabled={!key.value || !certificate.value}>
        Use this key
      </button>
      {trouble.value && (
        <p class="bad" role="alert">
          {trouble.value}
        </p>
      )}
    </form>
  );
}

/** Signs the state of the service, which makes a member active. */
function Acknowledge({ facts, again }: { facts: SigningFacts; again: () => void }) {
  const status = useSignal("");
  const isBusy = useSignal(false);
  const isBad = useSignal(false);

  async function sign(): Promise<string> {
    const key = pageKey.value;
    if (!key) return (await acknowledge()).state_digest;
    const asked = await signAndSubmit(key, { type: "state_digest", payload: text("") });
    const digest = (JSON.parse(asked.text) as Record<string, unknown>)[STATE_DIGEST];
    if (typeof digest !== "string") throw new Error("The service names no digest of its state.");
    const payload = text(JSON.stringify({ memberId: key.memberId, stateDigest: digest }));
    const { txid } = await signAndSubmit(key, { type: "ack", payload });
    if (txid) await committed(txid);
    return digest;
  }

  async function act(): Promise<void> {
    if (isBusy.value) return;
    isBusy.value = true;
    isBad.value = false;
    status.value = started.value?.confirms && !pageKey.value ? "Answer the question in the terminal …" : "Signing …";
    try {
      status.value = `Signed: the digest of the service's state is ${await sign()}.`;
      again();
    } catch (error) {
      isBad.value = true;
      status.value = said(error);
    } finally {
      isBusy.value = false;
    }
  }

  if (facts.member_status === null) return <p class="bad">The service knows no member with this key's certificate.</p>;
  return (
    <>
      <p>
        The service says that this member is <b>{facts.member_status}</b>.
      </p>
      <p>
        To acknowledge is to sign the digest of the service's state: it says that you saw this state, and asks for
        nothing.{" "}
        {facts.member_status === "Accepted"
          ? "A new member does so once, and can vote from then on."
          : "You have done so, or else you could not vote: it is not needed again, and does no harm."}{" "}
        What you sign stays in the ledger.
      </p>
      <button
        type="button"
        class={facts.member_status === "Accepted" ? "" : "second"}
        disabled={isBusy.value}
        onClick={() => void act()}
      >
        Acknowledge the state of the service
      </button>
      <p role="status" class={isBad.value ? "bad" : ""}>
        {status.value}
      </p>
    </>
  );
}

function Holder() {
  const by = signer.value;
  const facts = useSignal<SigningFacts | null>(null);
  const trouble = useSignal("");

  async function load(): Promise<void> {
    try {
      facts.value = by ? await signingFacts(by.id) : null;
      trouble.value = "";
    } catch (error) {
      trouble.value = said(error);
    }
  }

  useEffect(() => void load(), []);
  if (!by) return <p>Choose a key, or start the console with --as MEMBER.</p>;
  return (
    <>
      <dl class="rows">
        <div class="depth0">
          <dt>member</dt>
          <dd>{by.name}</dd>
        </div>
        <div class="depth0">
          <dt>id</dt>
          <dd>
            <code>{by.id}</code>
          </dd>
        </div>
        <div class="depth0">
          <dt>key</dt>
          <dd>
            {!by.isHere
              ? "on the machine that runs this console"
              : `in this page, on ${pageKey.value?.curve}; ${isRemembered.value ? "remembered on this device" : "forgotten when the page is closed"}`}
          </dd>
        </div>
      </dl>
      {by.isHere && (
        <p>
          <button type="button" class="second" onClick={() => void drop()}>
            Forget this key
          </button>
        </p>
      )}
      {trouble.value && <p class="bad">{trouble.value}</p>}
      {facts.value && <Acknowledge facts={facts.value} again={() => void load()} />}
    </>
  );
}

export function KeyView() {
  const by = signer.value;
  return (
    <>
      <h1>
        {by
          ? `You are ${by.name}. Your key is ${by.isHere ? "in this page" : "on the machine that runs this console"}.`
          : "Nobody votes here yet"}
      </h1>
      <Holder key={by?.id} />
      {!by?.isHere && (
        <section>
          <h2>A key in this page</h2>
          <KeyChooser />
        </section>
      )}
      <section>
        <h2>A message that was signed elsewhere</h2>
        <p>
          Choose a file that <code>ccfpy gov sign</code> or <code>ccfpy gov finish</code> wrote. Choosing it sends
          nothing: the page shows who signed the message and what it asks for, and a button then sends it.
        </p>
        <SendSigned />
      </section>
    </>
  );
}
