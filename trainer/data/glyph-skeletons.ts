/**
 * How a pen draws the digits: for each class its variants, for each variant its strokes.
 *
 * A stroke is a list of points that a smooth curve passes through, `x y` in hundredths of the glyph's box
 * (x to the right, y down). `!` marks a corner, where the pen turns sharply but stays on the paper.
 */
const VARIANTS: readonly (readonly (readonly string[])[])[] = [
  [
    ["52 6, 27 20, 18 52, 30 86, 52 95, 74 82, 82 48, 72 17, 50 6, 38 12"],
    ["66 14, 46 6, 25 26, 20 60, 36 92, 60 92, 79 66, 79 32, 63 10"],
  ],
  [
    ["53 6, 50 50, 47 95"],
    ["32 28, 54 6!, 53 50, 52 95"],
    ["34 24, 53 6!, 53 50, 53 94", "30 95, 53 94, 76 95"],
  ],
  [
    ["22 26, 34 9, 56 6, 74 20, 70 42, 48 68, 20 93!, 50 91, 82 92"],
    ["22 24, 44 6, 72 16, 71 42, 46 74, 26 92, 15 84, 27 73, 52 86, 84 91"],
  ],
  [
    ["22 16, 46 5, 71 18, 66 40, 42 47!, 70 54, 80 74, 56 95, 21 86"],
    ["22 9, 50 8, 77 8!, 62 26, 46 42!, 74 53, 78 76, 54 95, 20 84"],
  ],
  [
    ["30 8, 25 30, 19 56!, 52 57, 86 55", "70 12, 67 50, 64 95"],
    ["67 95, 66 50, 66 6!, 40 36, 14 66!, 50 65, 87 64"],
  ],
  [
    ["76 8, 52 8, 32 9!, 29 27, 26 46!, 52 38, 77 54, 74 82, 48 95, 20 86"],
    ["34 10, 29 28, 26 45!, 54 40, 78 60, 67 89, 41 95, 20 84", "34 10, 58 9, 84 7"],
  ],
  [
    ["70 6, 43 26, 24 58, 28 86, 52 95, 75 82, 73 60, 50 52, 26 68"],
    ["56 5, 34 38, 21 70, 36 93, 62 93, 75 73, 60 56, 36 62, 24 78"],
  ],
  [
    ["18 12, 50 11, 80 10!, 60 48, 42 95"],
    ["18 12, 50 11, 80 10!, 60 48, 42 95", "34 52, 54 51, 76 49"],
    ["19 27, 21 11!, 52 13, 81 10!, 64 44, 52 95"],
  ],
  [
    ["71 18, 50 6, 30 18, 35 37, 61 54, 76 74, 61 93, 38 93, 24 76, 38 55, 63 38, 72 20, 56 7"],
    ["50 47, 32 37, 30 16, 50 5, 70 16, 68 37, 50 47", "50 47, 25 61, 24 86, 50 95, 76 86, 75 61, 50 47"],
  ],
  [
    ["73 22, 53 6, 29 16, 26 40, 48 51, 69 38, 75 14!, 74 54, 70 95"],
    ["74 24, 56 6, 31 12, 26 36, 46 49, 67 38, 75 18, 76 52, 64 84, 34 94"],
  ],
];

/** One pen-down movement. */
export interface Stroke {
  /** [points, 2] in the unit box. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Indices into `points` between which the curve is smooth: the first, every corner, the last. */
  readonly corners: readonly number[];
}

/** SKELETONS[class][variant] is a list of strokes. */
export const SKELETONS: readonly (readonly (readonly Stroke[])[])[] = VARIANTS.map((variants) =>
  variants.map((strokes) => strokes.map(parseStroke)),
);

function parseStroke(text: string): Stroke {
  const items = text.split(", ");
  const points = items.map((item): [number, number] => {
    const [x, y] = item.replace("!", "").split(" ").map(Number);
    return [x! / 100, y! / 100];
  });
  const corners = items.flatMap((item, i) =>
    i === 0 || i === items.length - 1 || item.endsWith("!") ? [i] : [],
  );
  return { points, corners };
}
