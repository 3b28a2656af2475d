// How far an image is from a transformed other one, AssemblyScript with fixed-width SIMD; what is computed and why:
// shared/aligned-distance.ts, which also lays out the memory.
//
// Images are taken without their outermost pixels, as planes of float32: [height − 2, width − 2, channels], filled
// up with zeros to whole vectors. Sums are float32 in 4 lanes, added in the planes' order.

/** Holds back the softened image's share, as if it had as much more variance; see shared/aligned-distance.ts. */
const RIDGE: f64 = 0.1;

// @ts-ignore: decorator
@inline
function pixels(at: usize): v128 {
  return i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(v128.load32_zero(at)));
}

// @ts-ignore: decorator
@inline
function sumLanes(v: v128): f64 {
  return (
    (<f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1)) +
    (<f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3))
  );
}

/**
 * The inner pixels of an image.
 *
 * @param image uint8 [height, width, channels]; 16 readable bytes follow
 * @param plane out: float32; 16 writable bytes follow
 */
export function inner(image: usize, height: usize, width: usize, channels: usize, plane: usize): void {
  const length = (width - 2) * channels;
  for (let y: usize = 1; y + 1 < height; y++) {
    const row = image + (y * width + 1) * channels;
    for (let at: usize = 0; at < length; at += 4) {
      // What a vector writes beyond a row of the plane is written over by the next one.
      v128.store(plane + (at << 2), f32x4.convert_i32x4_s(pixels(row + at)));
    }
    plane += length << 2;
  }
  v128.store(plane, f32x4.splat(0));
}

/** As `inner`, with the sum over 3×3 pixels in the place of each. */
function soften(image: usize, height: usize, width: usize, channels: usize, plane: usize): void {
  const length = (width - 2) * channels;
  const up = width * channels;
  for (let y: usize = 1; y + 1 < height; y++) {
    const row = image + (y * width + 1) * channels;
    for (let at: usize = 0; at < length; at += 4) {
      let sum = i64x2.splat(0);
      for (let line = row + at - up; line <= row + at + up; line += up) {
        sum = i32x4.add(sum, i32x4.add(pixels(line - channels), i32x4.add(pixels(line), pixels(line + channels))));
      }
      v128.store(plane + (at << 2), f32x4.convert_i32x4_s(sum));
    }
    plane += length << 2;
  }
  v128.store(plane, f32x4.splat(0));
}

/**
 * The aligned distance of each candidate image.
 *
 * @param rows       uint8 images; 16 readable bytes follow
 * @param candidates count int32, row × positions + position
 * @param targets    [positions] planes: the query in each position, by `inner`
 * @param planeBytes from one plane to the next: whole vectors, and 16 bytes more
 * @param scratch    room for 2 planes
 * @param distances  out: count float64, in pixels of 0 to 255
 */
export function alignedDistances(
  rows: usize, height: usize, width: usize, channels: usize,
  candidates: usize, count: i32, positions: i32,
  targets: usize, planeBytes: usize, scratch: usize, distances: usize,
): void {
  const length = (height - 2) * (width - 2) * channels;
  for (let i = 0; i < count; i++) {
    const candidate = load<i32>(candidates + (<usize>i << 2));
    const image = rows + <usize>(candidate / positions) * height * width * channels;
    const target = targets + <usize>(candidate % positions) * planeBytes;
    inner(image, height, width, channels, scratch);
    const isSame = memory.compare(scratch, target, length << 2) == 0;
    if (!isSame) soften(image, height, width, channels, scratch + planeBytes);
    store<f64>(distances + (<usize>i << 3), isSame ? 0 : residual(scratch, scratch + planeBytes, target, length));
  }
}

/** (mean r⁴)^¼ of the r that is left of target ≈ a·image + b·softened + constant. */
function residual(image: usize, softened: usize, target: usize, length: usize): f64 {
  const zero = f32x4.splat(0);
  let x = zero, s = zero, t = zero, xx = zero, xs = zero, ss = zero, xt = zero, st = zero;
  const bytes = length << 2;
  for (let at: usize = 0; at < bytes; at += 16) {
    const pixel = v128.load(image + at);
    const soft = v128.load(softened + at);
    const wanted = v128.load(target + at);
    x = f32x4.add(x, pixel);
    s = f32x4.add(s, soft);
    t = f32x4.add(t, wanted);
    xx = f32x4.add(xx, f32x4.mul(pixel, pixel));
    xs = f32x4.add(xs, f32x4.mul(pixel, soft));
    ss = f32x4.add(ss, f32x4.mul(soft, soft));
    xt = f32x4.add(xt, f32x4.mul(pixel, wanted));
    st = f32x4.add(st, f32x4.mul(soft, wanted));
  }
  // About the means, so that the constant drops out.
  const count = <f64>length;
  const meanX = sumLanes(x) / count;
  const meanS = sumLanes(s) / count;
  const meanT = sumLanes(t) / count;
  const varianceX = sumLanes(xx) - count * meanX * meanX;
  const varianceS = sumLanes(ss) - count * meanS * meanS;
  const covarianceXS = sumLanes(xs) - count * meanX * meanS;
  const covarianceXT = sumLanes(xt) - count * meanX * meanT;
  const covarianceST = sumLanes(st) - count * meanS * meanT;

  // First what the image explains of both, then what the rest of the softened one explains of the rest.
  const ofSoftened = varianceX > 0 ? covarianceXS / varianceX : 0;
  const ofTarget = varianceX > 0 ? covarianceXT / varianceX : 0;
  const left = varianceS - ofSoftened * covarianceXS;
  const b = varianceS > 0 ? (covarianceST - ofTarget * covarianceXS) / (left + RIDGE * varianceS) : 0;
  const a = ofTarget - b * ofSoftened;
  return fourthMoment(image, softened, target, length, <f32>a, <f32>b, <f32>(meanT - a * meanX - b * meanS));
}

function fourthMoment(
  image: usize, softened: usize, target: usize, length: usize, a: f32, b: f32, constant: f32,
): f64 {
  const ofImage = f32x4.splat(a);
  const ofSoftened = f32x4.splat(b);
  const everywhere = f32x4.splat(constant);
  let sum = f32x4.splat(0);
  const whole = (length & ~3) << 2;
  let at: usize = 0;
  for (; at < whole; at += 16) {
    sum = f32x4.add(sum, fourthPower(image + at, softened + at, target + at, ofImage, ofSoftened, everywhere));
  }
  // What the planes are filled up with counts for nothing.
  const isPixel = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(<i32>length & 3));
  const last = fourthPower(image + at, softened + at, target + at, ofImage, ofSoftened, everywhere);
  sum = f32x4.add(sum, v128.and(last, isPixel));
  return Math.sqrt(Math.sqrt(sumLanes(sum) / <f64>length));
}

// @ts-ignore: decorator
@inline
function fourthPower(image: usize, softened: usize, target: usize, a: v128, b: v128, constant: v128): v128 {
  let left = f32x4.sub(v128.load(target), constant);
  left = f32x4.sub(left, f32x4.mul(a, v128.load(image)));
  left = f32x4.sub(left, f32x4.mul(b, v128.load(softened)));
  const squared = f32x4.mul(left, left);
  return f32x4.mul(squared, squared);
}
