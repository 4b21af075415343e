// The app that the service runs, and every endpoint, for developers.
import { useSignal } from "@preact/signals";
import { type ComponentChild, h } from "preact";
import { useEffect } from "preact/hooks";
import type { AppPage, EndpointRow, Installed, Markup, ModulePage, Stated } from "./answers";
import { app, module } from "./api";
import { Marked } from "./marked";
import { started } from "./state";
import { TryIt, isOffered } from "./tryit";
import { counted, moment, short } from "./words";

/** Where a module of the installed app is shown, by the name that tables have. */
export const address = (name: string): string => `#/app/module/${encodeURIComponent(name)}`;

/** A module's name as tables have it: an endpoint may leave out the slash. */
const stored = (name: string): string => (name.startsWith("/") ? name : `/${name}`);

async function copy(event: Event): Promise<void> {
  const button = event.currentTarget as HTMLButtonElement;
  const line = button.previousElementSibling;
  if (!line) return;
  try {
    await navigator.clipboard.writeText(line.textContent ?? "");
    button.textContent = "Copied";
  } catch {
    getSelection()?.selectAllChildren(line);
    button.textContent = "Selected";
  }
}

/** The path of an operation, from the words by which it is found. */
const path = (operation: Markup): string => operation.search.split(" ")[1] ?? "";

/** What a part holds; operations are in the order of their paths, /thing/2 before /thing/10. */
function sorted(part: Markup): readonly Markup[] {
  if (part.tag !== "section") return part.inner;
  const [heading, ...operations] = part.inner;
  operations.sort((one, other) => path(one).localeCompare(path(other), "en", { numeric: true }));
  return heading ? [heading, ...operations] : [];
}

const textOf = (part: Markup): string => part.text + part.inner.map(textOf).join("");

/** What a part within a part says, by its kind: a badge has a kind of its own besides. */
function said(part: Markup | undefined, kind: string): string {
  const found = part?.inner.find((each) => each.kind.split(" ")[0] === kind);
  return found ? textOf(found) : "";
}

/** An operation that unfolds, with a form at its end where it can be called from here. */
function Operation({ part, words }: { part: Markup; words: readonly string[] }) {
  const [summary, body] = part.inner;
  const [verb, at] = [said(summary, "verb"), said(summary, "path")];
  if (!summary || !body) return null;
  return (
    <details class={part.kind}>
      {element(summary, words)}
      <div class={body.kind}>
        {body.inner.map((each) => element(each, words))}
        {isOffered(verb, at) && <TryIt verb={verb} path={at} />}
      </div>
    </details>
  );
}

/** Make the elements of a page that the server's renderer wrote: texts stay texts. */
function element(part: Markup, words: readonly string[]): ComponentChild {
  if (!part.tag) return part.text;
  if (part.tag === "details" && !words.every((word) => part.search.includes(word))) return null;
  if (part.tag === "details") return <Operation key={part.search} part={part} words={words} />;
  const inner = sorted(part).map((each) => element(each, words));
  // A group in which nothing fits shows nothing.
  if (part.tag === "section" && inner.slice(1).every((each) => each === null)) return null;
  if (part.tag === "button")
    return (
      <button type="button" class="plain" onClick={(event) => void copy(event)}>
        {inner}
      </button>
    );
  // The page around these has a heading of the first level, and one of the second.
  const tag = /^h[1-3]$/.test(part.tag) ? `h${Number(part.tag[1]) + 2}` : part.tag === "h4" ? "h5" : part.tag;
  return h(tag, { class: part.kind, ...(part.tag === "pre" ? { tabIndex: 0 } : {}) }, inner);
}

function Endpoints({ rows, linked }: { rows: readonly EndpointRow[]; linked: boolean }) {
  return (
    <div class="wide">
      <table>
        <caption>Endpoints</caption>
        <thead>
          <tr>
            <th scope="col">endpoint</th>
            <th scope="col">who may call</th>
            <th scope="col">mode</th>
            <th scope="col">on a backup</th>
            <th scope="col">answered by</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={`${row.verb} ${row.path}`}>
              <th scope="row">
                {row.verb} <code>{row.path}</code>
              </th>
              <td data-label="who may call">{row.who}</td>
              <td data-label="mode">{row.mode}</td>
              <td data-label="on a backup">{row.forwarding === "always" ? "sent to the primary" : row.forwarding === "never" ? "answers itself" : "may answer itself"}</td>
              <td data-label="answered by">
                <code>{row.function}</code> in{" "}
                {linked ? <a href={address(stored(row.module))}>{row.module}</a> : <code>{row.module}</code>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function InstalledBy({ installed }: { installed: Installed }) {
  const seqno = installed.txid.split(".")[1];
  return (
    <>
      <h2>Installed</h2>
      <dl class="rows">
        <div>
          <dt>proposal</dt>
          <dd>
            <a href={`#/proposals/${installed.proposal_id}`}>{short(installed.proposal_id)}</a>, made by {installed.by}
          </dd>
        </div>
        {installed.in_favour.length > 0 && (
          <div>
            <dt>in favour</dt>
            <dd>{installed.in_favour.join(", ")}</dd>
          </div>
        )}
        {seqno && (
          <div>
            <dt>transaction</dt>
            <dd>
              {started.value?.has_ledger ? <a href={`#/ledger/tx/${seqno}`}>{installed.txid}</a> : installed.txid}
            </dd>
          </div>
        )}
        {installed.at !== null && (
          <div>
            <dt>last vote signed</dt>
            <dd>{moment(installed.at)}, by its member's clock</dd>
          </div>
        )}
      </dl>
    </>
  );
}

function Limits({ limits }: { limits: readonly Stated[] }) {
  if (limits.length === 0) return null;
  return (
    <>
      <h2>Limits of scripts</h2>
      <dl class="rows">
        {limits.map(({ name, value }) => (
          <div key={name} class="depth1">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** The operations of a part in which all words occur. */
function found(part: Markup, words: readonly string[]): number {
  if (part.tag === "details") return words.every((word) => part.search.includes(word)) ? 1 : 0;
  return part.inner.reduce((sum, each) => sum + found(each, words), 0);
}

/** A document that is not the app's: folded, as there are many endpoints, and open where one is searched for. */
function Folded({ document, words }: { document: Markup; words: readonly string[] }) {
  const count = found(document, words);
  const [article] = document.inner;
  const [title, ...rest] = article?.inner ?? [];
  if (!article || !title || count === 0) return null;
  return (
    <details class="document" open={words.length > 0}>
      <summary>
        {textOf(title)} <small>{counted(count, "endpoint")}</small>
      </summary>
      {element({ ...article, inner: rest }, words)}
    </details>
  );
}

function Documents({ documents, hasTable }: { documents: readonly Markup[]; hasTable: boolean }) {
  const asked = useSignal("");
  const words = asked.value.toLowerCase().split(/\s+/).filter(Boolean);
  const [first, ...others] = documents;
  return (
    <section aria-label="How each endpoint is called">
      <h2>How each endpoint is called</h2>
      <p>
        Each line unfolds.
        {hasTable && (
          <>
            {" "}
            The endpoints of the table above are here again, under the paths at which users call them:{" "}
            <code>/app</code> and the path of the table.
          </>
        )}
      </p>
      <form class="jump" onSubmit={(event) => event.preventDefault()}>
        <label for="search">Find an endpoint</label>
        <input
          id="search"
          type="search"
          autocomplete="off"
          value={asked.value}
          onInput={(event) => {
            asked.value = event.currentTarget.value;
          }}
        />
      </form>
      <div class="documents">
        {first && element(first, words)}
        {others.map((document, index) => (
          <Folded key={index} document={document} words={words} />
        ))}
      </div>
    </section>
  );
}

/** What is loaded when a view opens: the answer, or why there is none. */
function useAnswer<Answer>(ask: () => Promise<Answer>, about: string) {
  const page = useSignal<Answer | null>(null);
  const trouble = useSignal("");
  useEffect(() => {
    ask().then(
      (answer) => {
        page.value = answer;
      },
      (error: unknown) => {
        trouble.value = error instanceof Error ? error.message : String(error);
      },
    );
  }, [about]);
  return { page: page.value, trouble: trouble.value };
}

export function AppView() {
  const { page, trouble } = useAnswer<AppPage>(app, "app");
  if (!page) return <p class={trouble ? "bad" : ""}>{trouble || "Reading the app …"}</p>;
  return (
    <>
      <h1>{page.headline}</h1>
      {page.not_known.length > 0 && <p class="faint">Not known here: {page.not_known.join("; ")}.</p>}
      {page.endpoints.length > 0 && <Endpoints rows={page.endpoints} linked />}
      {page.installed && <InstalledBy installed={page.installed} />}
      {page.modules.length > 0 && (
        <>
          <h2>
            Modules <small>{counted(page.modules.length, "file")}</small>
          </h2>
          <ul class="maps">
            {page.modules.map(({ name, shown }) => (
              <li key={name}>
                <a href={address(name)}>{shown}</a>
              </li>
            ))}
          </ul>
        </>
      )}
      {page.modules.length > 0 && <Limits limits={page.limits} />}
      <Documents documents={page.documents} hasTable={page.endpoints.length > 0} />
    </>
  );
}

export function ModuleView({ name }: { name: string }) {
  const { page, trouble } = useAnswer<ModulePage>(() => module(name), name);
  if (!page) return <p class={trouble ? "bad" : ""}>{trouble || "Reading the module …"}</p>;
  return (
    <>
      <p>
        <a href="#/app">The app</a>
      </p>
      <h1>
        Module <code>{page.name}</code>
      </h1>
      <p class="whole">
        {counted(page.lines.length, "line")}, SHA-256 <code>{page.digest}</code>
      </p>
      {page.endpoints.length > 0 && <Endpoints rows={page.endpoints} linked={false} />}
      <ol class="source" tabIndex={0} aria-label="Source">
        {page.lines.map((line, index) => (
          <li key={index}>
            <code>
              <Marked text={line || " "} />
            </code>
          </li>
        ))}
      </ol>
    </>
  );
}
