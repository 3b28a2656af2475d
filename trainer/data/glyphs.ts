/**
 * `glyphs`: handwriting-like digits, 28×28 grey, white ink on black. The default data set, and only code.
 *
 * A skeleton (glyph-skeletons.ts) is bent by a smooth random field, slanted, turned, stretched and shifted,
 * then inked with a pen whose pressure varies along the stroke. Only +, −, ×, ÷ and square roots are used,
 * which every host rounds alike, so the pixels are the same everywhere.
 */

import type { Random } from "../../shared/random.ts";
import { SKELETONS, type Stroke } from "./glyph-skeletons.ts";
import { proceduralSource } from "./procedural.ts";

const SIZE = 28;
/** No ink's centre line comes nearer to the edge than this, in pixels. */
const MARGIN = 3;
/** Straight pieces that stand for the curve between two points of a stroke. */
const PIECES = 6;

export const glyphs = proceduralSource("glyphs", {
  kind: "image",
  shape: [SIZE, SIZE, 1],
  labelNames: SKELETONS.map((_, digit) => String(digit)),
  modes: null,
  draw(random, label, row) {
    const variants = SKELETONS[label]!;
    const strokes = variants[random.below(variants.length)]!;
    const paths = placeOnPage(writtenByHand(strokes, random), random);
    const ink = between(random, 210, 255);
    const radius = between(random, 0.75, 1.6);
    const depth = new Float64Array(SIZE * SIZE).fill(-1);
    for (const path of paths) inkPath(depth, path, radius, random);
    for (let i = 0; i < row.length; i++) {
      // The edge of the ink is one pixel of ramp, from half a pixel outside to half a pixel inside.
      row[i] = Math.round(ink * Math.min(1, Math.max(0, depth[i]! + 0.5)));
    }
  },
});

/** A polyline, x and y alternating. */
type Path = Float64Array;

/** The strokes as this writer's hand draws them: bent as a whole, every point a little off, then smooth. */
function writtenByHand(strokes: readonly Stroke[], random: Random): Path[] {
  const bend = bendingField(random, 0.1);
  return strokes.map(({ points, corners }) => {
    const moved = points.map(([x, y]): [number, number] => {
      const [dx, dy] = bend(x, y);
      return [x + dx + 0.02 * mild(random), y + dy + 0.02 * mild(random)];
    });
    return smoothCurve(moved, corners);
  });
}

/** A smooth displacement of the unit box: a 3×3 lattice of random shifts, blended by Bernstein polynomials. */
function bendingField(random: Random, strength: number): (x: number, y: number) => [number, number] {
  const shifts = Float64Array.from({ length: 18 }, () => strength * mild(random));
  return (x, y) => {
    const across = [(1 - x) * (1 - x), 2 * x * (1 - x), x * x];
    const down = [(1 - y) * (1 - y), 2 * y * (1 - y), y * y];
    let dx = 0;
    let dy = 0;
    for (let i = 0; i < 9; i++) {
      const weight = across[i % 3]! * down[(i / 3) | 0]!;
      dx += weight * shifts[2 * i]!;
      dy += weight * shifts[2 * i + 1]!;
    }
    return [dx, dy];
  };
}

/** A Catmull-Rom spline through the points, broken at the corners. */
function smoothCurve(points: readonly (readonly [number, number])[], corners: readonly number[]): Path {
  const path = new Float64Array(2 * ((points.length - 1) * PIECES + 1));
  let at = 0;
  for (let c = 0; c + 1 < corners.length; c++) {
    const first = corners[c]!;
    const last = corners[c + 1]!;
    for (let i = first; i < last; i++) {
      const p0 = points[Math.max(first, i - 1)]!;
      const p1 = points[i]!;
      const p2 = points[i + 1]!;
      const p3 = points[Math.min(last, i + 2)]!;
      for (let piece = 0; piece < PIECES; piece++) {
        const t = piece / PIECES;
        path[at++] = catmullRom(p0[0], p1[0], p2[0], p3[0], t);
        path[at++] = catmullRom(p0[1], p1[1], p2[1], p3[1], t);
      }
    }
  }
  const end = points[points.length - 1]!;
  path[at++] = end[0];
  path[at++] = end[1];
  return path;
}

function catmullRom(a: number, b: number, c: number, d: number, t: number): number {
  return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
}

/** Slants, turns, stretches and shifts the paths from the unit box to pixels, inside the margin. */
function placeOnPage(paths: Path[], random: Random): Path[] {
  const height = 20 * (1 + 0.06 * mild(random));
  const width = height * between(random, 0.72, 1.08);
  const slant = 0.12 + 0.16 * mild(random);
  const sine = 0.07 * mild(random);
  const cosine = Math.sqrt(1 - sine * sine);
  const bounds = [Infinity, -Infinity, Infinity, -Infinity] as [number, number, number, number];
  for (const path of paths) {
    for (let i = 0; i < path.length; i += 2) {
      const y = (path[i + 1]! - 0.5) * height;
      const x = (path[i]! - 0.5) * width - slant * y;
      path[i] = cosine * x - sine * y;
      path[i + 1] = sine * x + cosine * y;
      bounds[0] = Math.min(bounds[0], path[i]!);
      bounds[1] = Math.max(bounds[1], path[i]!);
      bounds[2] = Math.min(bounds[2], path[i + 1]!);
      bounds[3] = Math.max(bounds[3], path[i + 1]!);
    }
  }
  const room = SIZE - 2 * MARGIN;
  const scale = Math.min(1, room / (bounds[1] - bounds[0]), room / (bounds[3] - bounds[2]));
  const shiftX = shiftWithin(bounds[0] * scale, bounds[1] * scale, mild(random));
  const shiftY = shiftWithin(bounds[2] * scale, bounds[3] * scale, mild(random));
  for (const path of paths) {
    for (let i = 0; i < path.length; i += 2) {
      path[i] = path[i]! * scale + shiftX;
      path[i + 1] = path[i + 1]! * scale + shiftY;
    }
  }
  return paths;
}

/** Centres the extent [low, high] on the page, `offset` pixels off, as far as the margin allows. */
function shiftWithin(low: number, high: number, offset: number): number {
  const slack = Math.max(0, (SIZE - 2 * MARGIN - (high - low)) / 2);
  return SIZE / 2 - (low + high) / 2 + Math.min(slack, Math.max(-slack, offset));
}

/**
 * Draws a path into `depth`: how far inside the ink a pixel's centre is, in pixels (negative: outside).
 *
 * @param radius the pen's half width in pixels; pressure makes it up to a third wider or thinner
 */
function inkPath(depth: Float64Array, path: Path, radius: number, random: Random): void {
  const pieces = path.length / 2 - 1;
  const [start, middle, end] = [0.85, 1.1, 0.85].map((pressure) => pressure + 0.1 * mild(random));
  for (let piece = 0; piece < pieces; piece++) {
    const t = (piece + 0.5) / pieces;
    const pressure = (1 - t) * (1 - t) * start! + 2 * t * (1 - t) * middle! + t * t * end!;
    const i = 2 * piece;
    inkSegment(depth, path[i]!, path[i + 1]!, path[i + 2]!, path[i + 3]!, radius * pressure);
  }
}

function inkSegment(
  depth: Float64Array,
  x0: number,
  y0: number,
  x1: number,
  y1: number,
  radius: number,
): void {
  const reach = radius + 1;
  const left = Math.max(0, Math.floor(Math.min(x0, x1) - reach));
  const right = Math.min(SIZE - 1, Math.ceil(Math.max(x0, x1) + reach));
  const top = Math.max(0, Math.floor(Math.min(y0, y1) - reach));
  const bottom = Math.min(SIZE - 1, Math.ceil(Math.max(y0, y1) + reach));
  const dx = x1 - x0;
  const dy = y1 - y0;
  const inverse = 1 / Math.max(1e-9, dx * dx + dy * dy);
  for (let y = top; y <= bottom; y++) {
    const py = y + 0.5 - y0;
    for (let x = left; x <= right; x++) {
      const px = x + 0.5 - x0;
      const t = Math.min(1, Math.max(0, (px * dx + py * dy) * inverse));
      const ex = px - t * dx;
      const ey = py - t * dy;
      const inside = radius - Math.sqrt(ex * ex + ey * ey);
      if (inside > depth[y * SIZE + x]!) depth[y * SIZE + x] = inside;
    }
  }
}

/** A standard normal number without its tails, which would be illegible: within ±2. */
function mild(random: Random): number {
  return Math.min(2, Math.max(-2, random.normal()));
}

function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random.uniform();
}
