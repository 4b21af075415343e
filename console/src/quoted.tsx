// Others' words, each in an element of its own: none can be taken for what the page says itself.
import type { Quote } from "./answers";
import { Long } from "./long";

/** What ccfpy/client/review/characters.py puts around others' words; these have neither. */
const QUOTED = /(⦅[^⦅⦆]*⦆)/;

/** A sentence of the page's own, in which others' words are set apart. */
export function Said({ text }: { text: string }) {
  return (
    <>
      {text.split(QUOTED).map((part, index) =>
        index % 2 ? (
          <q key={index} class="others">
            <Long text={part.slice(1, -1)} />
          </q>
        ) : (
          <Long key={index} text={part} />
        ),
      )}
    </>
  );
}

/** What others say of something, below what the page says of it. */
export function Quotes({ quotes }: { quotes: readonly Quote[] }) {
  return (
    <>
      {quotes.map((quote, index) => (
        <figure key={index} class="others">
          <figcaption>{quote.by}:</figcaption>
          <blockquote>
            <pre tabIndex={0}>
              <Long text={quote.text} />
            </pre>
          </blockquote>
        </figure>
      ))}
    </>
  );
}
