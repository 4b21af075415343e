// Text of any length, of which a reader sees a part at a time: a browser freezes over a line of a megabyte.
import { useSignal } from "@preact/signals";
import { counted } from "./words";

const FIRST_CHARACTERS = 20_000;
const MORE_CHARACTERS = 100_000;

/** A text, or its beginning and how much more there is: nothing is left out unsaid. */
export function Long({ text, first = FIRST_CHARACTERS }: { text: string; first?: number }) {
  const shown = useSignal(first);
  const left = text.length - shown.value;
  if (left <= 0) return <>{text}</>;
  return (
    <>
      {text.slice(0, shown.value)}
      <button type="button" class="plain more" onClick={() => (shown.value += MORE_CHARACTERS)}>
        {counted(left, "character")} more: show the next {Math.min(left, MORE_CHARACTERS).toLocaleString("en")}
      </button>
    </>
  );
}
