// A vote or a withdrawal: by the console's machine, by a key in the page, or by hand elsewhere.
import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Cast, OwnVote, ProposalPage } from "./answers";
import { committed, vote, withdraw } from "./api";
import { ballot, textDigest } from "./ballots";
import { ByHand } from "./byhand";
import { countVote } from "./inbox";
import { KeyChooser } from "./keys";
import { isSame } from "./outcome";
import { pageKey, signAndSubmit, signer } from "./signer";
import { text } from "./signing";
import { network, started } from "./state";
import { said, sentence } from "./words";

type Choice = "in favour" | "against" | "withdraw";

const WORDS: Readonly<Record<Choice, string>> = {
  "in favour": "Vote in favour",
  against: "Vote against",
  withdraw: "Withdraw this proposal",
};

/** What the reader's vote was, such as "You voted against, committed as 2.21." */
export const voted = ({ side, txid }: OwnVote): string =>
  `You voted${side && ` ${side}`}${txid ? `, committed as ${txid}` : ""}.`;

/** Asks once before what is final is signed: a first click or key alone signs nothing. */
function Question({ choice, sign, leave }: { choice: Choice; sign: () => void; leave: () => void }) {
  const group = useRef<HTMLDivElement>(null);
  // Not the button: who holds ENTER down would answer before reading. And before the next
  // key: an effect after the frame would take the focus from a button that TAB led to.
  useLayoutEffect(() => group.current?.focus(), [choice]);
  return (
    <div
      ref={group}
      class="question"
      role="group"
      aria-labelledby="question"
      tabIndex={-1}
      onKeyDown={(event) => {
        if (event.key === "Escape") leave();
      }}
    >
      <p id="question">
        <b>{WORDS[choice]}? It cannot be changed.</b>
      </p>
      <button
        type="button"
        // The second click of a double click is on whatever came under the pointer.
        onClick={(event) => {
          if (event.detail <= 1) sign();
        }}
      >
        Yes, {WORDS[choice].toLowerCase()}
      </button>
      <button type="button" class="second" onClick={leave}>
        No, go back
      </button>
    </div>
  );
}

/** What a member does in the page, and what came of it. */
export function Vote(props: { page: ProposalPage; isChanged: boolean; again: () => Promise<ProposalPage | null> }) {
  const { page, isChanged, again } = props;
  const status = useSignal("");
  const isBusy = useSignal(false);
  const isBad = useSignal(false);
  const asked = useSignal<Choice | null>(null);
  const bar = useRef<HTMLElement>(null);
  const leftFrom = useRef<Choice | null>(null);
  const by = signer.value;
  const mayVote = page.may_vote && by !== null && !isChanged;
  const isDone = page.own_vote !== null;
  /** Where the terminal asks, one question is enough. */
  const asksElsewhere = !by?.isHere && started.value?.confirms === true;

  function ask(choice: Choice): void {
    if (isBusy.value) return;
    status.value = "";
    if (asksElsewhere) void act(choice);
    else asked.value = choice;
  }

  function leave(): void {
    leftFrom.current = asked.value;
    asked.value = null;
  }

  // The focus goes back to the button of the question, as soon as the button is there again.
  useLayoutEffect(() => {
    if (leftFrom.current) bar.current?.querySelector<HTMLElement>(`[data-choice="${leftFrom.current}"]`)?.focus();
    leftFrom.current = null;
  }, [asked.value]);

  const button = (choice: Choice) => (
    <button type="button" class="choice" data-choice={choice} disabled={isBusy.value} onClick={() => ask(choice)}>
      {WORDS[choice]}
    </button>
  );

  /** Throw unless the outcome is still the one that is shown. */
  async function check(): Promise<void> {
    const now = await again();
    if (!now) throw new Error("Nothing was signed: the proposal could not be read once more.");
    if (!isSame(now.outcome, page.outcome) || now.text !== page.text || now.state !== page.state)
      throw new Error("Nothing was signed or sent: what would come of the proposal is no longer what you read.");
  }

  async function sign(choice: Choice): Promise<Cast> {
    if (choice !== "withdraw") await check();
    const key = pageKey.value;
    if (!key) return choice === "withdraw" ? withdraw(page.id) : vote(page.id, page.digest, page.outcome, choice === "in favour");
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
    asked.value = null;
    status.value = asksElsewhere ? "Answer the question in the terminal …" : "Signing …";
    try {
      await follow(await sign(choice), choice);
    } catch (error) {
      isBad.value = true;
      status.value = said(error);
      // The console may have refused because something has changed: the page says what.
      void again();
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
    const which = choice === "withdraw" ? done : `You voted ${choice}: your vote`;
    status.value = txid ? `${which} is committed as ${txid}. The proposal is ${state}.` : `${done} was taken.`;
    if (by && choice !== "withdraw") countVote(page.id, by, choice);
    const now = await again();
    if (!now || now.text === page.text) return;
    isBad.value = true;
    status.value =
      `${status.value} But the service now shows other bytes under this id than those you read, SHA-256 ` +
      `${page.digest}. ${choice === "in favour" ? "Your vote counts as a no for them." : ""} ` +
      "Tell the other members: a node showed you something false.";
  }

  // Who signs elsewhere is not known here: it may be the proposer.
  const choices: readonly Choice[] = [
    ...(isDone || page.not_shown ? [] : (["in favour"] as const)),
    ...(isDone ? [] : (["against"] as const)),
    ...(page.may_withdraw || by === null ? (["withdraw"] as const) : []),
  ];

  return (
    <>
      <section ref={bar} class={`vote ${mayVote || page.may_withdraw ? "" : "said"}`} aria-label="Your vote">
        {asked.value && (mayVote || page.may_withdraw) ? (
          <Question choice={asked.value} sign={() => asked.value && void act(asked.value)} leave={leave} />
        ) : (
          <>
            {mayVote && by ? (
              <>
                <p>
                  <b>{by.name}</b> votes, {by.isHere ? "by the key in this page" : "by the key of the console's machine"},
                  for <span title={`SHA-256 ${page.digest}`}>exactly this version</span>. A vote is final.
                </p>
                {button("in favour")}
                {button("against")}
              </>
            ) : (
              <p>
                {page.own_vote && <b>{voted(page.own_vote)} </b>}
                {page.own_vote && page.state === "Open"
                  ? "A vote is final."
                  : `${sentence(page.may_vote ? "read first what is different now, at the top of this page" : page.why_not)}.`}
              </p>
            )}
            {page.may_withdraw && button("withdraw")}
            {mayVote && network.value?.stands_still && (
              <p class="bad">
                {sentence(network.value.stands_still)}: a vote now would not be taken, or would not count before that is over.
                Network says which nodes are missing.
              </p>
            )}
          </>
        )}
        <p role="status" class={isBad.value ? "bad" : ""}>
          {status.value}
        </p>
      </section>
      {page.state === "Open" && (!isDone || page.may_withdraw) && (
        <section aria-label="Other ways to sign">
          <h2>Other ways to sign</h2>
          {!by?.isHere && !isDone && (
            <details>
              <summary>With a key in this page</summary>
              <KeyChooser />
            </details>
          )}
          <details>
            <summary>By hand, on another machine</summary>
            <ByHand page={page} choices={choices} check={check} again={again} />
          </details>
        </section>
      )}
    </>
  );
}
