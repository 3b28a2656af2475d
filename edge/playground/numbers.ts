/** Numbers as people read them. */

/** Three significant digits, without an exponent where that is legible. */
export function short(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

export function grouped(count: number): string {
  return count.toLocaleString("en");
}

export function percent(share: number): string {
  return `${short(share * 100)} %`;
}

const UNITS = ["bytes", "KiB", "MiB", "GiB"];

export function bytes(count: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), UNITS.length - 1);
  return `${short(count / 1024 ** power)} ${UNITS[power]}`;
}

/** Short enough to type, and to read out. */
export function newSeed(): number {
  return Math.floor(Math.random() * 1e6);
}
