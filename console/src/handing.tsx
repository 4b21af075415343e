// Handing in a share: with the console's keys, or with files that are chosen here.
import { signal, useSignal } from "@preact/signals";
import type { RecoveryView } from "./answers";
import { encryptedShare, goOn, handIn, submit } from "./api";
import { openShare, signedShare } from "./share";
import { loadKey } from "./signing";
import { started } from "./state";
import { short } from "./words";

const FILES = [
  ["certificate", "Your certificate, such as member0_cert.pem"],
  ["signing", "Your signing key, such as member0_privk.pem"],
  ["encryption", "Your encryption key, such as member0_enc_privk.pem"],
] as const;

type Chosen = Readonly<Record<(typeof FILES)[number][0], File | null>>;

const NOTHING: Chosen = { certificate: null, signing: null, encryption: null };

/** Open, sign and hand in a share; the keys are gone from the page afterwards. */
async function handInWith(chosen: Chosen): Promise<string> {
  const { certificate, signing, encryption } = chosen;
  if (!certificate || !signing || !encryption) throw new Error("choose all three files");
  const key = await loadKey(await signing.text(), await certificate.text());
  const { share } = await encryptedShare(key.memberId);
  const message = await signedShare(key, await openShare(await encryption.text(), share));
  const { message: said } = JSON.parse((await submit(message)).text) as { message?: string };
  return said ?? "taken";
}

// Of the page and not of `Act`, which goes where a person opens another view: what came of
// a step meanwhile is said once the person is back.
const said = signal("");
const isBusy = signal(false);
const isBad = signal(false);

export function Act({ recovery }: { recovery: RecoveryView }) {
  const chosen = useSignal<Chosen>(NOTHING);

  async function act(first: string, doing: () => Promise<string>): Promise<void> {
    isBusy.value = true;
    isBad.value = false;
    said.value = first;
    try {
      said.value = await doing();
    } catch (error) {
      isBad.value = true;
      said.value = error instanceof Error ? error.message : String(error);
    } finally {
      isBusy.value = false;
    }
  }

  const isThere = recovery.members.some(({ id, has_handed_in }) => id === started.value?.signer_id && has_handed_in);
  // What went wrong with a step is of no use once the step is over.
  const isOver = isBad.value && !recovery.awaits_shares && !recovery.may_propose;
  const asked = started.value?.confirms ? "Answer the question in the terminal …" : "Signing …";
  const propose = async (): Promise<string> =>
    `Proposed as ${short((await goOn()).id)}. The proposal waits for votes, yours too.`;
  const submitHere = async (): Promise<string> => `The service says: ${(await handIn()).message}.`;
  const submitFiles = async (): Promise<string> => {
    const answer = await handInWith(chosen.value);
    chosen.value = NOTHING;
    return `The service says: ${answer}.`;
  };

  return (
    <>
      {recovery.may_propose && (
        <button type="button" disabled={isBusy.value} onClick={() => void act(asked, propose)}>
          Propose to go on with these two identities
        </button>
      )}
      {recovery.may_hand_in && (
        <button type="button" disabled={isBusy.value} onClick={() => void act(asked, submitHere)}>
          Open and hand in my share
        </button>
      )}
      {recovery.why_not && <p class="faint">{recovery.why_not}</p>}
      {recovery.awaits_shares && !recovery.may_hand_in && !isThere && (
        <details>
          <summary>Hand in a share with keys that you choose here</summary>
          <form
            class="keys"
            onSubmit={(event) => {
              event.preventDefault();
              void act("Opening and signing in this page …", submitFiles);
            }}
          >
            <p class="faint">
              The keys stay in this page and are forgotten after use. The opened share goes to the service, through the
              console: use your own console alone.
            </p>
            {FILES.map(([name, label]) => (
              <label key={name} class="file">
                {label}:{" "}
                <input
                  type="file"
                  onChange={(event) =>
                    (chosen.value = { ...chosen.value, [name]: event.currentTarget.files?.[0] ?? null })
                  }
                />
              </label>
            ))}
            <button type="submit" disabled={isBusy.value}>
              Open, sign and hand in
            </button>
          </form>
        </details>
      )}
      <p role="status" class={isBad.value ? "bad" : ""}>
        {isOver ? "" : said.value}
      </p>
    </>
  );
}
