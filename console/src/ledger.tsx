// A ledger's files, for auditors: up to where they verify, and what they hold.
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { KeyHistory, Keys, LedgerView as Ledger, Text, TransactionPage } from "./answers";
import { history, keys, transaction, value } from "./api";
import { Covered } from "./coverage";
import { Long } from "./long";
import { Name } from "./name";
import { started } from "./state";
import { TransactionList } from "./transactions";
import { counted, mebibytes, short } from "./words";

const mapPath = (map: string): string => `/ledger/map/${encodeURIComponent(map)}`;
const keyPath = (map: string, key: Text): string => `/ledger/key/${encodeURIComponent(map)}/${key.hex}`;

/** The key of maps that hold one value: eight zeros. */
const UNIT_HEX = "0000000000000000";

/** A key's bytes as text, if they are text that one can read. */
function textOf(hex: string): string {
  if (hex === UNIT_HEX) return "(the only key)";
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return /^[\x20-\x7e]+$/.test(text) ? text : `0x${hex}`;
  } catch {
    return `0x${hex}`;
  }
}

const named = (key: Text): string => (key.hex === UNIT_HEX ? "(the only key)" : key.text || "(empty key)");

/** Ask whenever the question or the ledger changes; show the answer, or why there is none. */
function Asked<Answer>(props: {
  ask: () => Promise<Answer>;
  about: string;
  /** What stands above why there is no answer. */
  heading?: ComponentChildren;
  show: (answer: Answer) => ComponentChildren;
}) {
  const answer = useSignal<Answer | null>(null);
  const trouble = useSignal("");
  useEffect(() => {
    let isCurrent = true;
    props.ask().then(
      (found) => {
        if (!isCurrent) return;
        answer.value = found;
        trouble.value = "";
      },
      (error: unknown) => {
        if (isCurrent) trouble.value = error instanceof Error ? error.message : String(error);
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [props.about]);
  if (trouble.value)
    return (
      <>
        {props.heading}
        <p class="bad" role="alert">
          {trouble.value}
        </p>
      </>
    );
  return answer.value === null ? <p>Reading …</p> : <>{props.show(answer.value)}</>;
}

function Value({ text, whole }: { text: Text | null; whole: () => Promise<Text> }) {
  const shown = useSignal<Text | null>(null);
  if (text === null) return <em>removed</em>;
  const now = shown.value ?? text;
  return (
    <>
      <pre tabIndex={0}>
        <Long text={now.text || "(empty)"} />
      </pre>
      {now.is_cut && (
        <p class="faint">
          the beginning of {counted(now.size, "byte")}
          {shown.value === null && (
            <button type="button" class="plain" onClick={() => void whole().then((found) => (shown.value = found))}>
              show more
            </button>
          )}
        </p>
      )}
    </>
  );
}

function Overview({ ledger }: { ledger: Ledger }) {
  return (
    <>
      <dl class="facts">
        <dt>ledger</dt>
        <dd>
          {counted(ledger.files, "file")}, {mebibytes(ledger.bytes_all)}
        </dd>
        <dt>last transaction</dt>
        <dd>{ledger.last_seqno.toLocaleString("en")}</dd>
        <dt>last one that a signature covers</dt>
        <dd>{ledger.last_verified.toLocaleString("en")}</dd>
        <dt>service</dt>
        <dd class={ledger.is_another_service ? "bad" : ""}>
          <code title={ledger.service ?? ""}>{ledger.service?.slice(0, 16) ?? "unknown"}</code>
        </dd>
      </dl>
      {ledger.bytes_left > 0 && (
        <progress aria-label="read" max={ledger.bytes_all} value={ledger.bytes_all - ledger.bytes_left} />
      )}
      {ledger.damage.length > 0 && (
        <section class="warnings" aria-label="Damage">
          <h2>Damage</h2>
          <ul>
            {ledger.damage.map((each) => (
              <li key={`${each.file} ${each.position}`}>
                {each.seqno === null ? "" : `transaction ${each.seqno.toLocaleString("en")}, `}
                {each.file}, byte {each.position.toLocaleString("en")}: {each.reason}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

function Neighbours({ seqno, last }: { seqno: number; last: number }) {
  return (
    <p class="steps-to">
      {seqno > 1 && <a href={`#/ledger/tx/${seqno - 1}`}>Previous transaction</a>}
      <a href={`#/ledger/after/${seqno - 1}`}>Show in the list</a>
      {seqno < last && <a href={`#/ledger/tx/${seqno + 1}`}>Next transaction</a>}
    </p>
  );
}

function Transaction({ seqno, last, about }: { seqno: number; last: number; about: string }) {
  return (
    <Asked
      ask={() => transaction(seqno)}
      about={`${seqno} ${about}`}
      heading={<h1>Transaction {seqno.toLocaleString("en")}</h1>}
      show={(page: TransactionPage) => (
        <>
          <h1>
            Transaction {page.row.txid} <Covered coverage={page.row.coverage} />
          </h1>
          <Neighbours seqno={seqno} last={last} />
          <dl class="rows">
            {page.row.kind && (
              <div>
                <dt>kind</dt>
                <dd>{page.row.kind}</dd>
              </div>
            )}
            {page.proposals.length > 0 && (
              <div>
                <dt>{page.proposals.length === 1 ? "proposal" : "proposals"}</dt>
                <dd>
                  {page.proposals.map((id, index) => (
                    <span key={id}>
                      {index > 0 && ", "}
                      {started.value?.service ? <a href={`#/proposals/${id}`}>{short(id)}</a> : short(id)}
                    </span>
                  ))}
                </dd>
              </div>
            )}
            <div>
              <dt>signed by</dt>
              <dd>
                {page.covered_by === null ? (
                  "no signature that holds"
                ) : (
                  <>
                    a node for the service <code title={page.service ?? ""}>{page.service?.slice(0, 16)}</code>, in{" "}
                    <a href={`#/ledger/tx/${page.covered_by}`}>transaction {page.covered_by.toLocaleString("en")}</a>:
                    the node signs the root of the Merkle tree, and the service's certificate endorses the node
                  </>
                )}
              </dd>
            </div>
            <div>
              <dt>place</dt>
              <dd>
                in the file {page.file}, at byte {page.position.toLocaleString("en")}
              </dd>
            </div>
            <div>
              <dt>size</dt>
              <dd>
                {counted(page.row.entry_bytes, "byte")}
                {page.row.private_bytes > 0 && `, ${page.row.private_bytes.toLocaleString("en")} of them encrypted`}
              </dd>
            </div>
            <div>
              <dt>leaf of the Merkle tree</dt>
              <dd>
                <code>{page.leaf}</code>
              </dd>
            </div>
            {page.claims_digest && (
              <div>
                <dt>digest of claims</dt>
                <dd>
                  <code>{page.claims_digest}</code>
                </dd>
              </div>
            )}
          </dl>
          <h2>{page.writes.length ? "What it wrote, as far as it is public" : "It wrote nothing that is public"}</h2>
          {page.writes.map((write, index) => (
            <section key={index} class="write">
              <p>
                <a href={`#${mapPath(write.map)}`}>
                  <Name name={write.map} />
                </a> ·{" "}
                <a href={`#${keyPath(write.map, write.key)}`}>{named(write.key)}</a>
              </p>
              <Value text={write.value} whole={() => value(write.map, write.key.hex, seqno)} />
            </section>
          ))}
          <Neighbours seqno={seqno} last={last} />
        </>
      )}
    />
  );
}

function MapKeys({ map, about }: { map: string; about: string }) {
  const prefix = useSignal("");
  const hex = Array.from(new TextEncoder().encode(prefix.value), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return (
    <>
      <h1>
        Keys of <span class="name-of">
          <Name name={map} />
        </span>
      </h1>
      <label for="prefix">Keys that begin with</label>
      <input id="prefix" value={prefix.value} onInput={(event) => (prefix.value = event.currentTarget.value)} />
      <Asked
        ask={() => keys(map, hex)}
        about={`${map} ${hex} ${about}`}
        show={(found: Keys) => (
          <>
            <ul class="items">
              {found.keys.map((key) => (
                <li key={key.hex}>
                  <a href={`#${keyPath(map, key)}`}>{named(key)}</a>
                </li>
              ))}
            </ul>
            {found.is_cut && <p class="faint">There are more: say how they begin.</p>}
          </>
        )}
      />
    </>
  );
}

function History({ map, hex, about }: { map: string; hex: string; about: string }) {
  const before = useSignal<number | null>(null);
  return (
    <>
      <h1>
        History of a key in <a href={`#${mapPath(map)}`}>
          <Name name={map} />
        </a>
      </h1>
      <p>
        key <code>{textOf(hex)}</code>
      </p>
      <Asked
        ask={() => history(map, hex, before.value)}
        about={`${map} ${hex} ${before.value} ${about}`}
        show={(found: KeyHistory) => (
          <>
            {found.rows.map((row) => (
              <section key={row.txid} class="write">
                <p>
                  <a href={`#/ledger/tx/${row.seqno}`}>{row.txid}</a> <Covered coverage={row.coverage} />
                </p>
                <Value text={row.value} whole={() => value(map, hex, row.seqno)} />
              </section>
            ))}
            {found.rows.length === 0 && <p>It was never written.</p>}
            {found.more_before !== null && (
              <button type="button" class="plain" onClick={() => (before.value = found.more_before)}>
                Earlier
              </button>
            )}
          </>
        )}
      />
    </>
  );
}

function Maps({ maps }: { maps: readonly string[] }) {
  return (
    <details>
      <summary>{counted(maps.length, "public table")}</summary>
      <p>
        A table has keys, and a value for each; CCF calls it a map. All that was ever written to the tables below can
        be read here.
      </p>
      <ul class="maps">
        {maps.map((map) => (
          <li key={map}>
            <a href={`#${mapPath(map)}`}>
              <Name name={map} />
            </a>
          </li>
        ))}
      </ul>
    </details>
  );
}

function Jump() {
  const to = useSignal("");
  return (
    <form
      class="jump"
      onSubmit={(event) => {
        event.preventDefault();
        const found = /^(?:\d+\.)?(\d+)$/.exec(to.value.trim());
        if (found) location.hash = `/ledger/tx/${found[1]}`;
      }}
    >
      <label for="jump">Go to a transaction, such as 2.15 or 15</label>
      <input id="jump" inputMode="decimal" value={to.value} onInput={(event) => (to.value = event.currentTarget.value)} />
      <button type="submit">Go</button>
    </form>
  );
}

function Place({ route, ledger, about }: { route: string; ledger: Ledger; about: string }) {
  const [, , kind, first, second] = route.split("/");
  if (kind === "tx") return <Transaction seqno={Number(first)} last={ledger.last_seqno} about={about} />;
  if (kind === "map") return <MapKeys map={decodeURIComponent(first ?? "")} about={about} />;
  return <History map={decodeURIComponent(first ?? "")} hex={second ?? ""} about={about} />;
}

const tone = (ledger: Ledger): string =>
  ledger.damage.length > 0 || ledger.is_another_service || ledger.trouble ? "bad" : ledger.bytes_left ? "" : "good";

export function LedgerView({ ledger, route }: { ledger: Ledger | null; route: string }) {
  if (!ledger) return <p>Looking for the ledger's files …</p>;
  // What is shown is asked for again when the index has more.
  const about = `${ledger.last_seqno} ${ledger.last_verified} ${ledger.damage.length}`;
  const isPart = /^\/ledger\/(tx|map|key)\//.test(route);
  if (isPart)
    return (
      <>
        <nav aria-label="Ledger" class="within">
          <a href="#/ledger">Ledger</a> <span class={tone(ledger)}>{ledger.headline}</span>
        </nav>
        <Place key={route} route={route} ledger={ledger} about={about} />
        <Jump />
      </>
    );
  return (
    <>
      <h1 class={tone(ledger)} aria-live="polite">
        {ledger.headline}
      </h1>
      <Overview ledger={ledger} />
      <Jump />
      <Maps maps={ledger.maps} />
      <TransactionList key={route} after={Number(/^\/ledger\/after\/(\d+)$/.exec(route)?.[1] ?? 0)} last={ledger.last_seqno} about={about} />
    </>
  );
}
