// A vote or a withdrawal: by the console's machine, by a key in the page, or by hand elsewhere.
import { useSignal } from "@preact/signals";
import type { Cast, ProposalPage } from "./answers";
import { committed, vote, withdraw } from "./api";
import { ballot, textDigest } from "./ballots";
import { ByHand } from "./byhand";
import { KeyChooser } from "./keys";
import { pageKey, signAndSubmit, signer } from "./signer";
import { text } from "./signing";
import { started } from "./state";
import { said } from "./words";

type Choice = "in favour" | "against" | "withdraw";

/** What a member does in the page, and what came of it. */
export function Vote({ page, again }: { page: ProposalPage; again: () => Promise<ProposalPage | null> }) {
  const status = useSignal("");
  const isBusy = useSignal(false);
  const isBad = useSignal(false);
  const by = signer.value;
  const mayVote = page.may_vote && by !== null;

  async function sign(choice: Choice): Promise<Cast> {
    const key = pageKey.value;
    if (!key) return choice === "withdraw" ? withdraw(page.id) : vote(page.id, page.digest, choice === "in favour");
    const about = { proposalId: page.id } as const;
    const { state, txid } =
      choice === "withdraw"
        ? await signAndSubmit(key, { ...about, type: "withdrawal", payload: text("") })
        : await signAndSubmit(key, {
            ...about,
            type: "ballot",
            payload: text(ballot(await textDigest(page.text), choice === "in favour")),
          });
    return { state: state ?? "not known", txid };
  }

  async function act(choice: Choice): Promise<void> {
    // The button is drawn as disabled only later: a double click comes before that.
    if (isBusy.value) return;
    isBusy.value = true;
    isBad.value = false;
    status.value = !by?.isHere && started.value?.confirms ? "Answer the question in the terminal …" : "Signing …";
    try {
      await follow(await sign(choice), choice);
    } catch (error) {
      isBad.value = true;
      status.value = said(error);
    } finally {
      isBusy.value = false;
    }
  }

  async function follow({ state, txid }: Cast, choice: Choice): Promise<void> {
    const done = choice === "withdraw" ? "Your withdrawal" : "Your vote";
    if (txid) {
      status.value = `${done} was taken: the proposal is ${state}. Waiting until ${txid} is committed …`;
      await committed(txid);
    }
    status.value = txid ? `${done} is committed as ${txid}. The proposal is ${state}.` : `${done} was taken.`;
    const now = await again();
    if (!now || now.text === page.text) return;
    isBad.value = true;
    status.value =
      `${status.value} But the service now shows other bytes under this id than those you read, SHA-256 ` +
      `${page.digest}. ${choice === "in favour" ? "Your vote counts as a no for them." : ""} ` +
      "Tell the other members: a node showed you something false.";
  }

  return (
    <>
      <section class={`vote ${mayVote || page.may_withdraw ? "" : "said"}`} aria-label="Your vote">
        {mayVote && by ? (
          <>
            <p>
              <b>{by.name}</b> votes, {by.isHere ? "by the key in this page" : "by the key of the console's machine"}. The
              vote counts for the bytes shown here alone, SHA-256{" "}
              <code title={page.digest}>{page.digest.slice(0, 16)}…</code>, and is final.
            </p>
            <button type="button" class="yes" disabled={isBusy.value} onClick={() => void act("in favour")}>
              Vote in favour
            </button>
            <button type="button" class="no" disabled={isBusy.value} onClick={() => void act("against")}>
              Vote against
            </button>
          </>
        ) : (
          <p>{page.why_not}</p>
        )}
        {page.may_withdraw && (
          <button type="button" class="second" disabled={isBusy.value} onClick={() => void act("withdraw")}>
            Withdraw this proposal
          </button>
        )}
        <p role="status" class={isBad.value ? "bad" : ""}>
          {status.value}
        </p>
      </section>
      {page.state === "Open" && (
        <section aria-label="Other ways to sign">
          <h2>Other ways to sign</h2>
          {!by?.isHere && (
            <details>
              <summary>With a key in this page</summary>
              <KeyChooser />
            </details>
          )}
          <details>
            <summary>By hand, on another machine</summary>
            <ByHand page={page} again={again} />
          </details>
        </section>
      )}
    </>
  );
}
