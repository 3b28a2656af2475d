/** One layer as a compute shader, reading weights as they lie in our kernel's memory. */

import { type ActivationName, LEAKY_SLOPE } from "../../../shared/manifest.ts";
import { BLOCK, PANEL } from "../../packed-matrix.ts";
import type { ImageLayer } from "../../wasm-layers.ts";

/** Invocations of a workgroup; each computes 4 filters of 4 pixels. */
const INVOCATIONS = 64;

/** Channels that a workgroup reads at a time. */
const DEPTH = 16;

/** What becomes of a sum `v`. Exponents end where float32 does, as our kernel's: beyond that drivers differ. */
const ACTIVATIONS: Readonly<Record<ActivationName, string>> = {
  linear: "v",
  relu: "max(v, 0.0)",
  "leaky-relu": `select(v, v * ${LEAKY_SLOPE}, v < 0.0)`,
  sigmoid: "1.0 / (1.0 + exp(clamp(-v, -87.0, 87.0)))",
  tanh: "sign(v) * (2.0 / (1.0 + exp(max(-2.0 * abs(v), -87.0))) - 1.0)",
};

/** What one workgroup computes: fewer filters of more pixels where there are few. */
export function tileOf({ filters }: ImageLayer): { readonly pixels: number; readonly filters: number } {
  const across = filters > 16 ? 8 : filters > 8 ? 4 : 2;
  return { pixels: (4 * INVOCATIONS) / across, filters: 4 * across };
}

/**
 * A transposed convolution as a gather: a product of matrices for each of stride × stride positions in the larger image,
 * whose rows are the smaller image's pixels, and whose inner dimension is the taps that meet the position, times the
 * channels. A dense layer is one of a single pixel. Every sum is taken in one order, wherever its sample is in a batch.
 *
 * Workgroups: x tiles of pixels, y tiles of filters, z positions. Bindings: 0 the weights, 1 what the layer takes, 2 what
 * it gives, both [samples, height, width, channels] float32.
 *
 * @param samples that the buffers hold
 */
export function layerShader(layer: ImageLayer, samples: number): string {
  const { matrix, bias, activation, height, width, filters, size, stride, padding } = layer;
  const tile = tileOf(layer);
  const constants = {
    PIXELS: samples * height * width,
    HEIGHT: height,
    WIDTH: width,
    CHANNELS: matrix.rows,
    FILTERS: filters,
    SIZE: size,
    STRIDE: stride,
    PADDING: padding,
    PANEL,
    PANELS: matrix.panels,
    BLOCK: BLOCK[matrix.dtype],
    // Floats, but of int8 bytes.
    KERNEL: matrix.dtype === "int8" ? matrix.at : matrix.at / 4,
    BIAS: bias / 4,
    SCALES: (matrix.scalesAt ?? 0) / 4,
    DEPTH,
    INVOCATIONS,
    ACROSS: tile.filters / 4,
    DOWN: tile.pixels / 4,
  };
  return `
${Object.entries(constants)
  .map(([name, value]) => `const ${name} = ${value}u;`)
  .join("\n")}

@group(0) @binding(0) var<storage, read> weights: array<u32>;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

var<workgroup> pixelTile: array<vec4f, DEPTH * DOWN>;
var<workgroup> kernelTile: array<vec4f, DEPTH * ACROSS>;

fn pixel(index: u32, offset: vec2i, channel: u32) -> f32 {
  let inImage = index % (HEIGHT * WIDTH);
  let at = vec2i(vec2u(inImage / WIDTH, inImage % WIDTH)) + offset;
  if (index >= PIXELS || channel >= CHANNELS || any(at < vec2i(0)) || any(at >= vec2i(vec2u(HEIGHT, WIDTH)))) {
    return 0.0;
  }
  return x[(index - inImage + u32(at.x) * WIDTH + u32(at.y)) * CHANNELS + channel];
}

fn entry(channel: u32, tap: u32, unit: u32) -> f32 {
  if (channel >= CHANNELS || unit >= FILTERS) { return 0.0; }
  let column = tap * FILTERS + unit;
  let inBlock = channel % BLOCK;
  let first = channel - inBlock;
  let depth = min(BLOCK, CHANNELS - first);
  ${matrix.dtype === "int8" ? INT8_ENTRY : FLOAT32_ENTRY}
}

fn pixels(index: u32, offset: vec2i, channel: u32) -> vec4f {
  var four = vec4f();
  for (var i = 0u; i < 4u; i++) { four[i] = pixel(index + i, offset, channel); }
  return four;
}

fn entries(channel: u32, tap: u32, unit: u32) -> vec4f {
  var four = vec4f();
  for (var i = 0u; i < 4u; i++) { four[i] = entry(channel, tap, unit + i); }
  return four;
}

fn give(index: u32, position: vec2u, unit: u32, sums: vec4f) {
  if (index >= PIXELS) { return; }
  let inImage = index % (HEIGHT * WIDTH);
  let row = index / (HEIGHT * WIDTH) * HEIGHT * STRIDE + inImage / WIDTH * STRIDE + position.x;
  let column = inImage % WIDTH * STRIDE + position.y;
  let at = (row * WIDTH * STRIDE + column) * FILTERS;
  for (var i = 0u; i < 4u; i++) {
    let f = unit + i;
    if (f >= FILTERS) { break; }
    let scale = ${matrix.dtype === "int8" ? "bitcast<f32>(weights[SCALES + f])" : "1.0"};
    let v = sums[i] * scale + bitcast<f32>(weights[BIAS + f]);
    y[at + f] = ${ACTIVATIONS[activation]};
  }
}

@compute @workgroup_size(INVOCATIONS)
fn layer(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) invocation: u32) {
  let firstPixel = group.x * 4u * DOWN;
  let firstFilter = group.y * 4u * ACROSS;
  let position = vec2u(group.z / STRIDE, group.z % STRIDE);
  let nearest = (position + PADDING) / STRIDE;
  let firstTap = (position + PADDING) % STRIDE;
  let across = invocation % ACROSS;
  let down = invocation / ACROSS;
  var sums = mat4x4f();
  for (var above = firstTap.x; above < SIZE; above += STRIDE) {
    for (var left = firstTap.y; left < SIZE; left += STRIDE) {
      let offset = vec2i(nearest) - vec2i(vec2u(above, left) / STRIDE);
      for (var channel = 0u; channel < CHANNELS; channel += DEPTH) {
        for (var i = invocation; i < DEPTH * DOWN; i += INVOCATIONS) {
          let d = i % DEPTH;
          pixelTile[d * DOWN + i / DEPTH] = pixels(firstPixel + i / DEPTH * 4u, offset, channel + d);
        }
        for (var i = invocation; i < DEPTH * ACROSS; i += INVOCATIONS) {
          kernelTile[i] = entries(channel + i / ACROSS, above * SIZE + left, firstFilter + i % ACROSS * 4u);
        }
        workgroupBarrier();
        for (var d = 0u; d < DEPTH; d++) {
          let p = pixelTile[d * DOWN + down];
          let k = kernelTile[d * ACROSS + across];
          sums[0] += p.x * k;
          sums[1] += p.y * k;
          sums[2] += p.z * k;
          sums[3] += p.w * k;
        }
        workgroupBarrier();
      }
    }
  }
  let p = firstPixel + down * 4u;
  let f = firstFilter + across * 4u;
  // Not in a loop, for which some drivers would keep the sums in memory.
  give(p, position, f, sums[0]);
  give(p + 1u, position, f, sums[1]);
  give(p + 2u, position, f, sums[2]);
  give(p + 3u, position, f, sums[3]);
}
`;
}

/** As packed-matrix.ts' entryOf says. */
const FLOAT32_ENTRY = `
  return bitcast<f32>(weights[KERNEL + (first * PANELS + column / PANEL * depth + inBlock) * PANEL + column % PANEL]);`;

const INT8_ENTRY = `
  let even = inBlock % 2u;
  let panel = first * PANELS + column / PANEL * (depth + depth % 2u) + inBlock - even;
  let byte = KERNEL + panel * PANEL + 2u * (column % PANEL) + even;
  return f32(extractBits(bitcast<i32>(weights[byte / 4u]), byte % 4u * 8u, 8u));`;
