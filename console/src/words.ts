// Numbers and times in words.

export const counted = (count: number, noun: string): string =>
  `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;

/** A size, such as "0.1 MiB" or "337 MiB". */
export const mebibytes = (bytes: number): string =>
  `${(bytes / (1 << 20)).toLocaleString("en", { maximumFractionDigits: bytes < 10 << 20 ? 1 : 0 })} MiB`;

export const short = (id: string): string => id.slice(0, 8);

/** A time that has passed, such as "120 ms" or "4 s". */
export const duration = (ms: number): string =>
  ms < 1000 ? `${ms} ms` : ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;

export const days = (count: number): string => (count < 0 ? "ended" : counted(count, "day"));

export const clock = (ms: number): string => new Date(ms).toLocaleTimeString("en", { hour12: false });

/** A time of any day, such as "29 Nov 2026, 20:01:05 UTC": members are in many time zones. */
export const moment = (ms: number): string =>
  `${new Date(ms).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" })} UTC`;

/** A sentence that begins with a capital. */
export const sentence = (words: string): string => words.slice(0, 1).toUpperCase() + words.slice(1);

/** What an error says. */
export const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A name that tables have, in parts between which a line may end: each ends with its dot. */
export const dotted = (name: string): readonly string[] => name.match(/[^.]*\.|[^.]+$/g) ?? [];
