// A table's name, which is longer than a telephone is wide: lines end after dots.
import { Fragment } from "preact";
import { dotted } from "./words";

export function Name({ name }: { name: string }) {
  return (
    <>
      {dotted(name).map((part, index) => (
        <Fragment key={index}>
          {index > 0 && <wbr />}
          {part}
        </Fragment>
      ))}
    </>
  );
}
