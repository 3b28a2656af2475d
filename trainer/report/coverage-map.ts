/** A map of training examples: like beside like, tinted where the generator covers them poorly. */

import { type Image, imageGrid } from "../../shared/image-grid.ts";
import { type Dataset, takeRows } from "../data/dataset.ts";
import { modelSpaceOf } from "../data/model-space.ts";
import type { Engine } from "../engine/engine.ts";
import { createPrincipalDirections } from "../search/principal-directions.ts";
import { atMost, exampleImage } from "./pictures.ts";

/** Tiles in a row of the map, and rows; fewer where there are fewer examples. */
const SIDE = 20;
const TILE_PIXELS = 32;
/** How much of a tile the tint takes where it is strongest. */
const STRONGEST = 0.75;
const TINT = [213, 94, 0] as const;

/** A tile is tinted in proportion to how much farther its nearest sample is than the nearest real example: */
export const TINTED_FROM = 1;
/** … and fully from here on. */
export const TINTED_WHOLLY = 1.5;

/**
 * @param rows       of the training set, whose examples are images; the first of them are shown
 * @param remoteness of each, see `coverage.ts`
 */
export async function coverageMap(
  engine: Engine,
  dataset: Dataset,
  rows: Uint32Array,
  remoteness: ArrayLike<number>,
): Promise<Image> {
  const side = Math.min(SIDE, Math.floor(Math.sqrt(rows.length)));
  const places = await arrange(engine, dataset, rows.subarray(0, side * side), side);
  const tiles = await Promise.all(
    places.map(async (i) =>
      tinted(await atMost(exampleImage(dataset, rows[i]!), TILE_PIXELS), remoteness[i]!),
    ),
  );
  const { width, height } = tiles[0]!;
  return imageGrid(Buffer.concat(tiles.map(({ data }) => data)), tiles.length, [height, width, 3], side);
}

/**
 * Which example lies where, row by row: columns by the first principal component, within them by the second.
 *
 * @returns places in `rows`
 */
async function arrange(engine: Engine, dataset: Dataset, rows: Uint32Array, side: number): Promise<number[]> {
  const { length } = dataset.train;
  const centred = modelSpaceOf(dataset).outputUnits(takeRows(dataset.train, rows));
  for (let column = 0; column < length; column++) {
    let sum = 0;
    for (let at = column; at < centred.length; at += length) sum += centred[at]!;
    for (let at = column; at < centred.length; at += length) centred[at]! -= sum / rows.length;
  }
  const directionCount = Math.min(2, rows.length);
  const principal = createPrincipalDirections(engine, { rowCount: rows.length, length, directionCount });
  const directions = await principal.of(centred);
  await principal.dispose();
  const along = (direction: number, i: number) => {
    let sum = 0;
    for (let j = 0; j < length; j++) sum += centred[i * length + j]! * directions[direction * length + j]!;
    return sum;
  };
  const by = (direction: number, places: readonly number[]) => {
    const values = new Map(places.map((i) => [i, along(Math.min(direction, directionCount - 1), i)]));
    return places.toSorted((a, b) => values.get(a)! - values.get(b)! || a - b);
  };
  const ordered = by(0, Array.from(rows.keys()));
  const columns = Array.from({ length: side }, (_, x) => by(1, ordered.slice(x * side, (x + 1) * side)));
  return Array.from({ length: side * side }, (_, i) => columns[i % side]![Math.floor(i / side)]!);
}

function tinted({ width, height, channels, data }: Image, remoteness: number): Image {
  const share = (remoteness - TINTED_FROM) / (TINTED_WHOLLY - TINTED_FROM);
  const tint = STRONGEST * Math.min(1, Math.max(0, Number.isNaN(share) ? 0 : share));
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < rgb.length; i++) {
    const value = data[Math.floor(i / 3) * channels + (channels === 3 ? i % 3 : 0)]!;
    rgb[i] = Math.round(value * (1 - tint) + TINT[i % 3]! * tint);
  }
  return { width, height, channels: 3, data: rgb };
}
