// A request that is filled in, sent by the console, and what came back.
import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { CallAnswer, CallField, CallForm, CallStanding } from "./answers";
import { call, callForm, standing } from "./api";
import { counted, said, sentence } from "./words";

const AGAIN_MS = 300;
/** How often it is asked whether a transaction is committed, before the page says that it is not. */
const ASKED_MAX = 100;

/** Whether there is a form for an operation: writes are sent to the app alone. The server decides by itself. */
export const isOffered = (verb: string, path: string): boolean =>
  verb === "GET" || verb === "HEAD" || (path.startsWith("/app/") && verb !== "TRACE");

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** What becomes of a transaction: asked until that is final, or for half a minute. */
function Standing({ txid }: { txid: string }) {
  const told = useSignal<CallStanding | null>(null);
  const trouble = useSignal("");
  useEffect(() => {
    let isShown = true;
    const follow = async () => {
      for (let asked = 0; isShown && asked < ASKED_MAX; asked++) {
        const now = await standing(txid);
        told.value = now;
        if (now.is_final) return;
        await pause(AGAIN_MS);
      }
      trouble.value = " It is still so after half a minute: a majority of nodes may be missing.";
    };
    follow().catch((error: unknown) => {
      trouble.value = ` ${said(error)}`;
    });
    return () => {
      isShown = false;
    };
  }, [txid]);
  return (
    <p role="status" class={told.value?.is_good === false ? "bad" : ""}>
      Transaction <code>{txid}</code>: {told.value?.words ?? "asking whether it is committed …"}.{trouble.value}
    </p>
  );
}

function Answer({ answer }: { answer: CallAnswer }) {
  return (
    <div class="answer">
      <p class={answer.is_good ? "good" : "bad"}>
        <b>{sentence(answer.words)}.</b>
      </p>
      {answer.txid && <Standing key={answer.txid} txid={answer.txid} />}
      <details>
        <summary>{counted(answer.headers.length, "header")}</summary>
        <dl class="rows">
          {answer.headers.map(({ name, value }) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </details>
      {answer.text ? <pre tabIndex={0}>{answer.text}</pre> : !answer.left_out && <p class="faint">The answer has no body.</p>}
      {answer.left_out && <p class="faint">Not shown: {answer.left_out}.</p>}
    </div>
  );
}

const keyOf = ({ place, name }: CallField): string => `${place} ${name}`;

function Form({ form }: { form: CallForm }) {
  const values = useSignal<Readonly<Record<string, string>>>(
    Object.fromEntries(form.fields.map((field) => [keyOf(field), field.value])),
  );
  const [first] = form.bodies;
  const mediaType = useSignal(first?.media_type ?? null);
  const body = useSignal(first?.text ?? "");
  const answer = useSignal<CallAnswer | null>(null);
  const status = useSignal("");
  const isBusy = useSignal(false);
  const isBad = useSignal(false);
  const group = useRef<HTMLFormElement>(null);
  // Who opened the form by keyboard goes on within it: the focus is nobody's, as the button
  // that had it is gone. Who went elsewhere meanwhile stays there.
  useLayoutEffect(() => {
    if (document.activeElement === document.body) group.current?.querySelector<HTMLElement>("input, textarea, button")?.focus();
  }, []);

  async function send(): Promise<void> {
    if (isBusy.value) return;
    isBusy.value = true;
    isBad.value = false;
    answer.value = null;
    status.value = form.asks ? "Answer the question in the terminal …" : "Sending …";
    try {
      answer.value = await call({
        verb: form.verb,
        path: form.path,
        fields: form.fields
          .map((field) => ({ place: field.place, name: field.name, value: values.value[keyOf(field)] ?? "", field }))
          .filter(({ value, field }) => value !== "" || field.is_required)
          .map(({ place, name, value }) => ({ place, name, value })),
        media_type: mediaType.value,
        body: mediaType.value === null ? null : body.value,
      });
      status.value = "";
    } catch (error) {
      isBad.value = true;
      status.value = `${sentence(said(error))}.`;
    } finally {
      isBusy.value = false;
    }
  }

  return (
    <form
      ref={group}
      class="tried"
      aria-label={`Try ${form.verb} ${form.path}`}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      {form.fields.map((field) => (
        <label key={keyOf(field)}>
          <code>{field.name}</code>{" "}
          <small>
            {field.place}, {field.is_required ? "required" : "optional"}
            {field.about && `: ${field.about}`}
          </small>
          <input
            type="text"
            autocomplete="off"
            spellcheck={false}
            value={values.value[keyOf(field)] ?? ""}
            onInput={(event) => {
              values.value = { ...values.value, [keyOf(field)]: event.currentTarget.value };
            }}
          />
        </label>
      ))}
      {form.bodies.length > 1 && (
        <label>
          Type of the body
          <select
            value={mediaType.value ?? ""}
            onChange={(event) => {
              const chosen = form.bodies.find((each) => each.media_type === event.currentTarget.value);
              mediaType.value = chosen?.media_type ?? null;
              body.value = chosen?.text ?? "";
            }}
          >
            {form.bodies.map((each) => (
              <option key={each.media_type}>{each.media_type}</option>
            ))}
          </select>
        </label>
      )}
      {mediaType.value !== null && (
        <label>
          Body <small>{mediaType.value}</small>
          <textarea
            rows={Math.min(12, Math.max(3, body.value.split("\n").length))}
            spellcheck={false}
            value={body.value}
            onInput={(event) => {
              body.value = event.currentTarget.value;
            }}
          />
        </label>
      )}
      <p>
        The console sends this {form.sender}.{form.asks && " The terminal asks first, as the request may write."}
      </p>
      <button type="submit">Send {form.verb}</button>
      <p role="status" class={isBad.value ? "bad" : ""}>
        {status.value}
      </p>
      {answer.value && <Answer answer={answer.value} />}
    </form>
  );
}

/** A button that becomes a form: most of the many endpoints are read and not called. */
export function TryIt({ verb, path }: { verb: string; path: string }) {
  const form = useSignal<CallForm | null>(null);
  const trouble = useSignal("");

  async function open(): Promise<void> {
    trouble.value = "";
    try {
      form.value = await callForm(verb, path);
    } catch (error) {
      trouble.value = said(error);
    }
  }

  const known = form.value;
  if (known && !known.why_not) return <Form form={known} />;
  const why = trouble.value || known?.why_not;
  return (
    <>
      <button type="button" class="second try" onClick={() => void open()}>
        Try it
      </button>
      {why && (
        <p role="alert" class="bad">
          {sentence(why)}.
        </p>
      )}
    </>
  );
}
