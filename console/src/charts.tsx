// The last minutes as lines, and as tables for those who hear the page.
import type { RatePoint, Rates } from "./answers";
import { clock } from "./words";

const MINUTES = 5;
/** Of the drawing, which is stretched to its place; the words of the axes stand around it. */
const WIDTH = 400;
const HEIGHT = 100;
const MARGIN = 5;
/** Rows of the table: more would be read out for too long. */
const ROWS = 10;

interface Chart {
  readonly title: string;
  readonly of: (point: RatePoint) => number | null;
  readonly points: readonly RatePoint[];
}

const written = (value: number): string => value.toLocaleString("en", { maximumFractionDigits: value < 10 ? 1 : 0 });

/** The next of 1, 2 or 5 times a power of ten, so that an axis ends with a round number. */
function round(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return (([1, 2, 5] as const).find((each) => each * power >= value) ?? 10) * power;
}

function LineChart({ title, of, points }: Chart) {
  const end = points.at(-1)?.at ?? 0;
  const begin = end - MINUTES * 60_000;
  const values = points.map(of).filter((value) => value !== null);
  const most = round(Math.max(1, ...values));
  const x = (at: number): number => ((at - begin) / (end - begin)) * (WIDTH - MARGIN);
  const y = (value: number): number => HEIGHT - MARGIN - (value / most) * (HEIGHT - 2 * MARGIN);
  // What is not known is a gap in the line.
  const parts: string[][] = [[]];
  for (const point of points) {
    const value = of(point);
    if (value === null) parts.push([]);
    else if (point.at >= begin) parts.at(-1)?.push(`${x(point.at).toFixed(1)},${y(value).toFixed(1)}`);
  }
  const last = points.at(-1);
  const now = last ? of(last) : null;
  const step = Math.max(1, Math.ceil(points.length / ROWS));
  return (
    <figure>
      <figcaption>
        <b>{title}</b> <span class="faint">{now === null ? "not known now" : `now ${written(now)}`}</span>
      </figcaption>
      <div class="drawn" aria-hidden="true">
        <div class="axis">
          <span>{written(most)}</span>
          <span>0</span>
        </div>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none">
          {[0, most].map((value) => (
            <line key={value} x1={0} x2={WIDTH} y1={y(value)} y2={y(value)} />
          ))}
          {parts.map((part, index) => part.length > 1 && <polyline key={index} points={part.join(" ")} />)}
          {last && now !== null && <path class="point" d={`M${x(last.at).toFixed(1)},${y(now).toFixed(1)}h0.01`} />}
        </svg>
        <div class="times">
          <span>{MINUTES} minutes ago</span>
          <span>now</span>
        </div>
      </div>
      <div class="unseen">
        <table>
          <caption>{title}, in the last minutes</caption>
          <thead>
            <tr>
              <th scope="col">time</th>
              <th scope="col">{title}</th>
            </tr>
          </thead>
          <tbody>
            {points
              .filter((_, index) => (points.length - 1 - index) % step === 0)
              .map((point) => {
                const value = of(point);
                return (
                  <tr key={point.at}>
                    <th scope="row">{clock(point.at)}</th>
                    <td>{value === null ? "not known" : written(value)}</td>
                  </tr>
                );
              })}
          </tbody>
        </table>
      </div>
    </figure>
  );
}

export function Charts({ rates, hasBackups }: { rates: Rates | null; hasBackups: boolean }) {
  if (!rates || rates.points.length < 2) return null;
  return (
    <section class="charts" aria-label="The last minutes">
      <LineChart title="Transactions a second" of={(point) => point.per_second} points={rates.points} />
      {hasBackups && (
        <LineChart title="Transactions by which a node lags" of={(point) => point.lag} points={rates.points} />
      )}
    </section>
  );
}
