// Text of any length, of which a reader sees a part at a time: a browser freezes over a line of a megabyte.
import { useSignal } from "@preact/signals";
import { Marked } from "./marked";
import { whole } from "./marks";
import { counted } from "./words";

const FIRST_CHARACTERS = 20_000;
const MORE_CHARACTERS = 100_000;

/** A text, or its beginning and how much more there is: nothing is left out unsaid. */
export function Long({ text, first = FIRST_CHARACTERS }: { text: string; first?: number }) {
  const shown = useSignal(first);
  const end = shown.value < text.length ? whole(text, shown.value) : text.length;
  const left = text.length - end;
  if (left <= 0) return <Marked text={text} />;
  return (
    <>
      <Marked text={text.slice(0, end)} />
      <button type="button" class="plain more" onClick={() => (shown.value += MORE_CHARACTERS)}>
        {counted(left, "character")} more: show the next {Math.min(left, MORE_CHARACTERS).toLocaleString("en")}
      </button>
    </>
  );
}
