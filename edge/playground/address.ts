/** What the page's address says, so that every view is a link. */

export const VIEWS = ["samples", "walk", "check", "model"] as const;
export type View = (typeof VIEWS)[number];

export interface Address {
  readonly view: View;
  /** NaN: the address has none that can be used. */
  readonly seed: number;
  /** 0 to 2. */
  readonly temperature: number;
  readonly label: string | undefined;
  /** The sample that is compared, counted through the seeds on the wall; null: none. */
  readonly sample: number | null;
  /** The seeds at the walk's ends, and where on it one is, 0 to 1. */
  readonly from: number;
  readonly to: number;
  readonly at: number;
}

/** @param seed where the address has none */
export function readAddress({ search, hash }: Pick<Location, "search" | "hash">, seed: number): Address {
  const given = new URLSearchParams(search);
  const decimal = (name: string, most: number, usual: number) => {
    const value = Number(given.get(name) || Number.NaN);
    return value >= 0 && value <= most ? value : usual;
  };
  const whole = (name: string, usual: number) => {
    const value = parseSeed(given.get(name) ?? "");
    return Number.isNaN(value) ? usual : value;
  };
  const from = whole("from", seed);
  const sample = given.get("sample");
  return {
    view: VIEWS.find((each) => `#${each}` === hash) ?? "samples",
    seed: given.has("seed") ? parseSeed(given.get("seed")!) : seed,
    temperature: decimal("temperature", 2, 1),
    label: given.get("label") ?? undefined,
    sample: sample !== null && /^\d{1,6}$/.test(sample) ? Number(sample) : null,
    from,
    to: whole("to", from + 1),
    at: decimal("at", 1, 0),
  };
}

/** The address without what is as usual. */
export function writeAddress({ view, seed, temperature, label, sample, from, to, at }: Address): string {
  const said = new URLSearchParams();
  if (view === "walk") {
    for (const [name, value] of Object.entries({ from, to, at })) said.set(name, String(value));
  } else if (!Number.isNaN(seed)) {
    said.set("seed", String(seed));
  }
  if (temperature !== 1) said.set("temperature", String(temperature));
  if (label !== undefined) said.set("label", label);
  if (sample !== null && view === "samples") said.set("sample", String(sample));
  return `?${said}${view === "samples" ? "" : `#${view}`}`;
}

/** NaN unless it is a whole number from 0 to 2^53 − 1. */
export function parseSeed(text: string): number {
  const seed = /^\d{1,16}$/.test(text.trim()) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(seed) ? seed : Number.NaN;
}
