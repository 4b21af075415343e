// A receipt: fetched by a transaction's id, pasted or dropped, and what each step shows.
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Holds, ReceiptPage } from "./answers";
import { explain, receipt } from "./api";
import { hex } from "./der";
import { type Checked, verifyReceipt } from "./receipt";
import { digest } from "./signing";
import { started } from "./state";
import { said } from "./words";
import { certificateOf } from "./x509";

const MARKS: Readonly<Record<Holds, string>> = { holds: "✓", "does not hold": "✗", "not reached": "–" };
const TXID = /^\s*\d+\.\d+\s*$/;

interface Result {
  readonly page: ReceiptPage;
  /** What the page itself computed. */
  readonly checked: readonly Checked[];
  /** The digest of the certificate it was checked against, computed here. */
  readonly service: string;
}

function Step({ meaning, step }: { meaning: string; step: Checked }) {
  const holds = step.holds ?? "not checked here";
  const tone = holds === "holds" ? "good" : holds === "does not hold" ? "bad" : "faint";
  return (
    <li class={tone}>
      <b>
        <span aria-hidden="true">{step.holds ? MARKS[step.holds] : "–"} </span>
        {step.step} {holds}
      </b>
      {holds !== "not reached" && <p>{meaning}</p>}
      {step.computed && <code>{step.computed}</code>}
    </li>
  );
}

/** What page and console say together: a receipt that one of them refuses proves nothing. */
function verdict({ page, checked }: Result): { readonly text: string; readonly isGood: boolean } {
  const failed = checked.find((step) => step.holds === "does not hold");
  if (!failed) return { text: page.verdict, isGood: page.transaction !== null };
  const text = `the receipt does not verify: ${failed.step} step: ${failed.computed}; do not rely on it`;
  return { text: page.transaction === null ? text : `${text}, nor on this console, which says that it holds`, isGood: false };
}

function ResultView({ result }: { result: Result }) {
  const { page, checked, service } = result;
  const { text, isGood } = verdict(result);
  const alone = checked.filter((step) => step.holds === null).map((step) => step.step);
  return (
    <section aria-label="Result">
      <h2 class={isGood ? "good" : "bad"} aria-live="polite">
        {text}
      </h2>
      <ol class="steps">
        {checked.map((step) => (
          <Step key={step.step} step={step} meaning={page.steps.find((each) => each.step === step.step)?.meaning ?? ""} />
        ))}
      </ol>
      <p class="faint">
        This page computed the steps itself, and the console did so with its own code, both against the service's
        certificate with the SHA-256 digest <code>{service}</code>.{" "}
        {alone.length > 0 && `For ${alone.join(" and ")} there is the console's word alone.`}
      </p>
      <details>
        <summary>The receipt</summary>
        <pre tabIndex={0}>{page.text}</pre>
      </details>
    </section>
  );
}

export function ReceiptView() {
  const text = useSignal("");
  const claims = useSignal("");
  const result = useSignal<Result | null>(null);
  const trouble = useSignal("");
  const isBusy = useSignal(false);

  const latest = useRef(0);

  async function check(): Promise<void> {
    // A file that is chosen meanwhile is another question: only the newest is answered.
    const asked = ++latest.current;
    isBusy.value = true;
    trouble.value = "";
    result.value = null;
    try {
      const txid = TXID.test(text.value) ? text.value.trim() : undefined;
      const claimed = claims.value || undefined;
      const page = txid ? await receipt(txid) : await explain(text.value, claimed ?? null);
      const pem = started.value?.certificate ?? "";
      const checked = await verifyReceipt(page.text, pem, { txid, claims: txid ? undefined : claimed });
      const made = { page, checked, service: hex(await digest(certificateOf(pem).der)) };
      if (asked === latest.current) result.value = made;
    } catch (error) {
      if (asked === latest.current) trouble.value = said(error);
    } finally {
      if (asked === latest.current) isBusy.value = false;
    }
  }

  async function take(file: File | undefined): Promise<void> {
    if (!file) return;
    const bytes = new Uint8Array(await file.arrayBuffer());
    // JSON begins with a brace; anything else is COSE, shown as hex.
    text.value =
      bytes[0] === 0x7b
        ? new TextDecoder().decode(bytes)
        : Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    await check();
  }

  return (
    <>
      <h1>Is it in the ledger?</h1>
      <p>
        A receipt proves that a transaction is in the ledger of this service, unchanged: whoever has the service's
        certificate can check that, without asking the service.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void check();
        }}
        onDragOver={(event) => event.preventDefault()}
        onDrop={(event) => {
          event.preventDefault();
          void take(event.dataTransfer?.files[0]);
        }}
      >
        <label for="receipt">A transaction, such as 2.15, or a receipt: JSON, or COSE as base64 or hex</label>
        <textarea
          id="receipt"
          rows={6}
          spellcheck={false}
          value={text.value}
          onInput={(event) => (text.value = event.currentTarget.value)}
        />
        <label class="file">
          Or the file of a receipt, which is verified at once:{" "}
          <input type="file" onChange={(event) => void take(event.currentTarget.files?.[0])} />
        </label>
        <label for="claims">
          If the receipt has only a digest of what the app said of the transaction: the app's words, to compare
          (optional)
        </label>
        <input id="claims" value={claims.value} onInput={(event) => (claims.value = event.currentTarget.value)} />
        <div class="actions">
          <button type="submit" disabled={isBusy.value || !text.value.trim()}>
            Verify
          </button>
        </div>
      </form>
      {isBusy.value && <p role="status">Asking …</p>}
      {trouble.value && (
        <p class="bad" role="alert">
          {trouble.value}
        </p>
      )}
      {result.value && <ResultView result={result.value} />}
    </>
  );
}
