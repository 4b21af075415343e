// A receipt: fetched by a transaction's id, pasted or dropped, and what each step shows.
import { useSignal } from "@preact/signals";
import type { ExplainedStep, Holds, ReceiptPage } from "./answers";
import { explain, receipt } from "./api";

const MARKS: Readonly<Record<Holds, string>> = { holds: "✓", "does not hold": "✗", "not reached": "–" };
const TXID = /^\s*\d+\.\d+\s*$/;

function Step({ step }: { step: ExplainedStep }) {
  const tone = step.holds === "holds" ? "good" : step.holds === "does not hold" ? "bad" : "faint";
  return (
    <li class={tone}>
      <b>
        <span aria-hidden="true">{MARKS[step.holds]} </span>
        {step.step} {step.holds}
      </b>
      {step.holds !== "not reached" && <p>{step.meaning}</p>}
      {step.computed && <code>{step.computed}</code>}
    </li>
  );
}

function Result({ page }: { page: ReceiptPage }) {
  return (
    <section aria-label="Result">
      <h2 class={page.transaction ? "good" : "bad"} aria-live="polite">
        {page.verdict}
      </h2>
      <ol class="steps">
        {page.steps.map((step) => (
          <Step key={step.step} step={step} />
        ))}
      </ol>
      <p class="faint">Checked by this console, against the service's certificate that it was started with.</p>
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
  const page = useSignal<ReceiptPage | null>(null);
  const trouble = useSignal("");
  const isBusy = useSignal(false);

  async function check(): Promise<void> {
    isBusy.value = true;
    trouble.value = "";
    page.value = null;
    try {
      page.value = TXID.test(text.value)
        ? await receipt(text.value.trim())
        : await explain(text.value, claims.value || null);
    } catch (error) {
      trouble.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
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
        <label for="claims">What the app claimed, if the receipt withholds it (optional)</label>
        <input id="claims" value={claims.value} onInput={(event) => (claims.value = event.currentTarget.value)} />
        <div class="actions">
          <button type="submit" disabled={isBusy.value || !text.value.trim()}>
            Verify
          </button>
          <label class="file">
            or a file: <input type="file" onChange={(event) => void take(event.currentTarget.files?.[0])} />
          </label>
        </div>
      </form>
      {isBusy.value && <p role="status">Asking …</p>}
      {trouble.value && (
        <p class="bad" role="alert">
          {trouble.value}
        </p>
      )}
      {page.value && <Result page={page.value} />}
    </>
  );
}
