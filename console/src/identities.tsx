// Two certificates' digests side by side: of the service that was lost, and of the new one.
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { recovery, started } from "./state";

/** A digest in groups that two people can read to each other. */
const groups = (digest: string): readonly string[] => digest.match(/.{1,8}/g) ?? [];

interface Compared {
  /** The digest that is known otherwise; null if none is. */
  readonly known: string | null;
  readonly same: string;
  readonly other: string;
}

function Identity(props: { title: string; digest: string | null; absent: string; compared?: Compared | undefined }) {
  const { title, digest, absent, compared } = props;
  return (
    <div>
      <dt>{title}</dt>
      <dd>
        {digest === null ? (
          <span class="faint">{absent}</span>
        ) : (
          <code class="digest" title={digest}>
            {groups(digest).map((group, index) => (
              <span key={index}>{group}</span>
            ))}
          </code>
        )}
      </dd>
      {compared && compared.known !== null && (
        <dd class={compared.known === digest ? "good" : "bad"}>
          {compared.known === digest ? `✓ ${compared.same}` : `▲ ${compared.other}`}
        </dd>
      )}
    </div>
  );
}

export function Identities(props: { previous: string | null; next: string | null; isCompared?: boolean }) {
  const { previous, next } = props;
  const lost: Compared = {
    known: recovery.value?.old_identity ?? null,
    same: "the service whose ledger the nodes have",
    other: "another service than the one whose ledger the nodes have",
  };
  const trusted: Compared = {
    known: started.value?.service ?? null,
    same: "the certificate that this console trusts",
    other: "another certificate than this console trusts",
  };
  return (
    <section aria-label="Old and new identity, SHA-256">
      <dl class="identities">
        <Identity title="Lost service" digest={previous} absent="none: no service was lost" compared={props.isCompared ? lost : undefined} />
        <Identity title="New service" digest={next} absent="not named" compared={props.isCompared ? trusted : undefined} />
      </dl>
    </section>
  );
}

const ACTION = "transition_service_to_open";

interface Named {
  readonly previous: string;
  readonly next: string;
}

/** The certificates that a proposal names, from the bytes that are voted on. */
function named(proposal: string): Named | null {
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  try {
    const { actions } = JSON.parse(proposal) as {
      actions: readonly { name?: unknown; args?: Readonly<Record<string, unknown>> }[];
    };
    const args = actions.find((action) => action.name === ACTION)?.args;
    if (!args || !args["previous_service_identity"]) return null;
    return { previous: text(args["previous_service_identity"]), next: text(args["next_service_identity"]) };
  } catch {
    return null;
  }
}

async function digestOf(pem: string): Promise<string | null> {
  const body = /^-----BEGIN CERTIFICATE-----([\sA-Za-z0-9+/=]+)-----END CERTIFICATE-----\s*$/.exec(pem)?.[1];
  if (!body) return null;
  const der = Uint8Array.from(atob(body.replace(/\s/g, "")), (letter) => letter.charCodeAt(0));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", der));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The identities in a proposal to go on from a lost service; nothing for other proposals. Keyed by the proposal's digest. */
export function ProposedIdentities({ proposal }: { proposal: string }) {
  const digests = useSignal<readonly (string | null)[] | null>(null);
  const found = named(proposal);
  useEffect(() => {
    if (!found) return;
    void Promise.all([digestOf(found.previous), digestOf(found.next)]).then(
      (made) => (digests.value = made),
      () => (digests.value = [null, null]),
    );
  }, []);
  if (!found || !digests.value) return null;
  return <Identities previous={digests.value[0] ?? null} next={digests.value[1] ?? null} isCompared />;
}
