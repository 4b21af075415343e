// A text that the server wrote, in which what nobody sees as itself stands out.
import { pieces } from "./marks";

/** An element of its own for each mark: no text looks like that. */
export function Marked({ text }: { text: string }) {
  if (!/[⟦⟪]/.test(text)) return <>{text}</>;
  return (
    <>
      {pieces(text).map((piece, index) => {
        if (piece.kind === "text") return piece.text;
        if (piece.kind === "mark")
          return (
            <mark key={index} class="unseen">
              {piece.text}
            </mark>
          );
        return (
          <em key={index} class="changed">
            <Marked text={piece.text.slice(1, -1)} />
          </em>
        );
      })}
    </>
  );
}
