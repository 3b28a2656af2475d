/**
 * " Did you mean “imle”?", where one of the names is a slip of the pen away from the word; else nothing.
 *
 * @param names as an array, or the keys of a registry
 */
export function didYouMean(
  word: string,
  names: readonly string[] | Readonly<Record<string, unknown>>,
): string {
  const known = Array.isArray(names) ? (names as readonly string[]) : Object.keys(names);
  const near = known
    .map((name) => ({ name, edits: editDistance(word.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.max(1, Math.floor(Math.max(word.length, name.length) * 0.4)))
    .toSorted((a, b) => a.edits - b.edits)[0];
  return near ? ` Did you mean "${near.name}"?` : "";
}

/** Characters to insert, delete, replace, or swap with their neighbour (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const replaced = rows[i - 1]![j - 1]! + (isSame ? 0 : 1);
      row[j] = Math.min(rows[i - 1]![j]! + 1, row[j - 1]! + 1, replaced);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) row[j] = Math.min(row[j]!, rows[i - 2]![j - 2]! + 1);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}
