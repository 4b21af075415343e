// A ledger's transactions: a list as long as the ledger, of which a screenful exists.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { TransactionRow } from "./answers";
import { transactions } from "./api";
import { Covered } from "./coverage";

/** The height of a row, which console.css sets. */
const ROW_PX = 36;
/** Browsers draw nothing right that is taller than some 17 million pixels. */
const HEIGHT_PX_MAX = 12_000_000;
/** Rows of one answer of the console. */
const ROWS_ASKED = 100;
const PAGES_KEPT = 50;

interface KnownPage {
  readonly about: string;
  readonly rows: ReadonlyMap<number, TransactionRow>;
}

/** Which rows are in sight, at some place of the scroll bar. */
export function firstInSight(top: number, scrolled: number, rows: number, inSight: number): number {
  const beyond = Math.max(0, rows - inSight);
  return scrolled <= 0 ? 0 : Math.min(beyond, Math.round((top / scrolled) * beyond));
}

function Row({ seqno, page }: { seqno: number; page: KnownPage | undefined }) {
  const row = page?.rows.get(seqno);
  return (
    <tr aria-rowindex={seqno + 1}>
      <th scope="row">
        <a href={`#/ledger/tx/${seqno}`}>{row?.txid ?? seqno}</a>
      </th>
      {row ? (
        <>
          <td>
            <Covered coverage={row.coverage} />
          </td>
          <td title={row.kind}>
            <div class="kind">{row.kind}</div>
          </td>
          <td class="number">{row.entry_bytes.toLocaleString("en")}</td>
          <td class="number">{row.private_bytes.toLocaleString("en")}</td>
        </>
      ) : (
        <td colSpan={4} class="faint">
          {page ? "not in the files" : "…"}
        </td>
      )}
    </tr>
  );
}

export function TransactionList({ after, last, about }: { after: number; last: number; about: string }) {
  const box = useRef<HTMLDivElement>(null);
  const known = useRef(new Map<number, KnownPage>());
  const isAsking = useRef(false);
  const wanted = useRef(about);
  const first = useSignal(0);
  const inSight = useSignal(10);
  const trouble = useSignal("");
  const answers = useSignal(0);
  wanted.current = about;
  answers.value; // Drawn again with each answer.

  const height = Math.min(HEIGHT_PX_MAX, last * ROW_PX);

  function measure(): void {
    const element = box.current;
    if (!element) return;
    const head = element.querySelector("thead")?.clientHeight ?? 0;
    inSight.value = Math.max(1, Math.floor((element.clientHeight - head) / ROW_PX));
    first.value = firstInSight(element.scrollTop, element.scrollHeight - element.clientHeight, last, inSight.value);
  }

  /** Ask for one page that is in sight and not known, and then for the next. */
  async function ask(): Promise<void> {
    if (isAsking.current) return;
    isAsking.current = true;
    try {
      for (;;) {
        const from = Math.floor(first.value / ROWS_ASKED);
        const to = Math.floor(Math.min(last - 1, first.value + inSight.value) / ROWS_ASKED);
        const missing = [from, to].find((page) => page >= 0 && known.current.get(page)?.about !== wanted.current);
        if (missing === undefined || !box.current) return;
        const asked = wanted.current;
        const found = await transactions(missing * ROWS_ASKED);
        known.current.delete(missing);
        known.current.set(missing, { about: asked, rows: new Map(found.rows.map((row) => [row.seqno, row])) });
        const [oldest] = known.current.keys();
        if (known.current.size > PAGES_KEPT && oldest !== undefined) known.current.delete(oldest);
        trouble.value = "";
        answers.value += 1;
      }
    } catch (error) {
      trouble.value = error instanceof Error ? error.message : String(error);
    } finally {
      isAsking.current = false;
    }
  }

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    measure();
    if (after > 0 && last > inSight.value)
      element.scrollTop = (after / (last - inSight.value)) * (element.scrollHeight - element.clientHeight);
    const resized = new ResizeObserver(measure);
    resized.observe(element);
    return () => resized.disconnect();
  }, []);
  useEffect(measure, [last]);
  useEffect(() => void ask(), [first.value, inSight.value, about]);

  if (last === 0) return null;
  const shown = Array.from({ length: Math.min(inSight.value, last - first.value) }, (_, place) => first.value + place + 1);
  const to = first.value + shown.length;
  return (
    <section aria-label="Transactions">
      <h2>
        Transactions{" "}
        <small>
          {(first.value + 1).toLocaleString("en")} to {to.toLocaleString("en")} of {last.toLocaleString("en")}
          {shown.length < last && ": scroll the list for the others"}
        </small>
      </h2>
      <p class="faint narrow">
        On a narrow screen the list leaves out how many bytes are encrypted: the page of a transaction says so.
      </p>
      {trouble.value && (
        <p class="bad" role="alert">
          {trouble.value}
        </p>
      )}
      <div class="list" ref={box} tabIndex={0} role="region" aria-label="Transactions, scroll for others" onScroll={measure}>
        <div style={{ height: `${height}px` }}>
          <table aria-rowcount={last + 1}>
            <thead>
              <tr aria-rowindex={1}>
                <th scope="col">transaction</th>
                <th scope="col">integrity</th>
                <th scope="col">kind</th>
                <th scope="col" class="number">
                  bytes
                </th>
                <th scope="col" class="number">
                  encrypted
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((seqno, place) => (
                // By its place, so that the focus stays where it is while the list moves.
                <Row key={place} seqno={seqno} page={known.current.get(Math.floor((seqno - 1) / ROWS_ASKED))} />
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </section>
  );
}
