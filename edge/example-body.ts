/** Reads the example that a /nearest request sends, in whichever media type. */

import { NpyError, parseNpy } from "../shared/npy.ts";
import { pixelsToBytes } from "../shared/pixels.ts";
import type { Example } from "../shared/statistic.ts";
import { convertChannels } from "./channels.ts";
import { type ImageSize, jpegScanCount, jpegSize, pngSize } from "./image-header.ts";
import type { DecodeJpeg } from "./jpeg-image.ts";
import type { Model } from "./model.ts";
import { type DecodedImage, decodePng } from "./png-image.ts";
import { Problem } from "./problem.ts";

/** Ten times what the usual encoders write. */
const MAX_JPEG_SCANS = 100;

/** Pixels or numbers from JSON, already seen to be whole numbers from 0 to 255, or finite. */
export function exampleOfNumbers(
  model: Model,
  kind: "pixels" | "vector",
  numbers: readonly number[],
): Example {
  const { output } = model.manifest;
  const expected = output.kind === "image" ? "pixels" : "vector";
  if (kind !== expected) {
    throw new Problem(
      "wrong-shape",
      `nearest: got "${kind}", but ${describeModel(model)}; send "${expected}"`,
    );
  }
  requireCount(model, numbers.length);
  return output.kind === "image" ? Uint8Array.from(numbers) : Float32Array.from(numbers);
}

export async function exampleOfPng(model: Model, bytes: Uint8Array<ArrayBuffer>): Promise<Example> {
  return imageExample(model, "PNG", pngSize(bytes), (size) => decodePng(bytes, size));
}

export async function exampleOfJpeg(
  model: Model,
  bytes: Uint8Array<ArrayBuffer>,
  decodeJpeg: DecodeJpeg,
): Promise<Example> {
  return imageExample(model, "JPEG", jpegSize(bytes), () => {
    const scans = jpegScanCount(bytes);
    if (scans > MAX_JPEG_SCANS) throw new Error(`it has ${scans} scans, expected at most ${MAX_JPEG_SCANS}`);
    return decodeJpeg(bytes);
  });
}

async function imageExample(
  model: Model,
  format: string,
  size: ImageSize | null,
  decode: (size: ImageSize) => DecodedImage | Promise<DecodedImage>,
): Promise<Example> {
  const { output } = model.manifest;
  if (!size) throw new Problem("bad-body", `nearest: the body is no ${format}, or is cut off in its header`);
  const got = `a ${format} of ${size.width}×${size.height} pixels`;
  if (output.kind !== "image") {
    throw new Problem("wrong-shape", `nearest: got ${got}, but ${describeModel(model)}; send JSON or npy`);
  }
  const [height, width, channels] = output.shape;
  if (size.width !== width || size.height !== height) {
    throw new Problem(
      "wrong-shape",
      `nearest: expected ${width}×${height} pixels (width × height), as ${describeModel(model)}; got ${got}`,
    );
  }
  let image: DecodedImage;
  try {
    image = await decode(size);
  } catch (error) {
    throw new Problem("bad-body", `nearest: the ${format} is broken: ${(error as Error).message ?? error}`);
  }
  if (image.width !== width || image.height !== height) {
    throw new Problem("bad-body", `nearest: the ${format} has another size than its header says`);
  }
  return convertChannels(image, channels);
}

/**
 * uint8 pixels from 0 to 255, or floats: pixels from 0 to 1, vectors in the data's own units. Dimensions of
 * size 1 may be there or not.
 */
export function exampleOfNpy(model: Model, bytes: Uint8Array): Example {
  const { output } = model.manifest;
  let array: ReturnType<typeof parseNpy>;
  try {
    array = parseNpy(bytes);
  } catch (error) {
    if (error instanceof NpyError) throw new Problem("bad-body", `nearest: npy: ${error.message}`);
    throw error;
  }
  const { shape, values } = array;
  if (squeeze(shape) !== squeeze(output.shape)) {
    throw new Problem(
      "wrong-shape",
      `nearest: got an array of shape ${shape.join("×") || "()"}, but ${describeModel(model)}`,
    );
  }
  if (output.kind === "image" && values instanceof Uint8Array) return values;
  if (!(values instanceof Float32Array || values instanceof Float64Array)) {
    throw new Problem(
      "bad-body",
      `nearest: expected float32 or float64${output.kind === "image" ? " from 0 to 1, or uint8 from 0 to 255" : ""}; the array is of whole numbers`,
    );
  }
  const [lowest, highest] = output.range ?? [-Number.MAX_VALUE, Number.MAX_VALUE];
  // Written so that NaN fails too.
  if (!values.every((value) => value >= lowest && value <= highest)) {
    throw new Problem(
      "bad-body",
      output.range
        ? `nearest: float pixels run from ${lowest} to ${highest}, and the array has others; send uint8 for 0 to 255`
        : "nearest: the array has numbers that are not finite",
    );
  }
  const floats = Float32Array.from(values);
  return output.kind === "image" ? pixelsToBytes(floats) : floats;
}

function squeeze(shape: readonly number[]): string {
  return shape.filter((size) => size !== 1).join("×");
}

function requireCount(model: Model, count: number): void {
  const expected = model.manifest.output.shape.reduce<number>((product, size) => product * size, 1);
  if (count !== expected) {
    throw new Problem(
      "wrong-shape",
      `nearest: got ${count} numbers, expected ${expected}: ${describeModel(model)}`,
    );
  }
}

function describeModel({ manifest: { name, output } }: Model): string {
  return output.kind === "image"
    ? `model "${name}" has images of ${output.shape.join("×")} (height × width × channels)`
    : `model "${name}" has vectors of ${output.shape[0]} numbers`;
}
