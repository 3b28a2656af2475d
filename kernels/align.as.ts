// How far an image is from a transformed other one, AssemblyScript with fixed-width SIMD; what is computed and why:
// shared/aligned-distance.ts, which also lays out the memory.
//
// Images are taken without their outermost pixels, as planes of float32: [height − 2, width − 2, channels], filled
// up with zeros to whole vectors. Sums are float32 in 4 lanes, added in the planes' order.

/** Planes that the image is fitted with, beside the constant. */
const TERMS: usize = 5;

/** A term is left out where the others explain all but this share of its variance. */
const SINGULAR: f64 = 1e-5;

// The normal equations, in the caller's memory: 5 rows of 5 products and the right side, then the terms'
// 5 means and 5 variances.
const ROW_BYTES: usize = (TERMS + 1) << 3;
const MEANS: usize = TERMS * ROW_BYTES;
const VARIANCES: usize = MEANS + (TERMS << 3);

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

/**
 * The planes that an image is transformed with, one after the other: itself, the sum over 3×3 pixels, its
 * differences along x and y, and those along a turn about the middle.
 *
 * @param columns float32, for each number of a row its pixel's distance from the middle; 3 more follow
 */
function terms(
  image: usize, height: usize, width: usize, channels: usize, columns: usize, planes: usize, planeBytes: usize,
): void {
  const length = (width - 2) * channels;
  const up = width * channels;
  let plane = planes;
  for (let y: usize = 1; y + 1 < height; y++) {
    const row = image + (y * width + 1) * channels;
    const fromMiddle = f32x4.splat(<f32>(<i32>y - <i32>(height >> 1)));
    for (let at: usize = 0; at < length; at += 4) {
      const here = row + at;
      const left = pixels(here - channels);
      const centre = pixels(here);
      const right = pixels(here + channels);
      const above = pixels(here - up);
      const below = pixels(here + up);
      const corners = i32x4.add(
        i32x4.add(pixels(here - up - channels), pixels(here - up + channels)),
        i32x4.add(pixels(here + up - channels), pixels(here + up + channels)),
      );
      const cross = i32x4.add(i32x4.add(left, right), i32x4.add(above, below));
      const alongX = f32x4.convert_i32x4_s(i32x4.sub(right, left));
      const alongY = f32x4.convert_i32x4_s(i32x4.sub(below, above));
      const turn = f32x4.sub(f32x4.mul(alongX, fromMiddle), f32x4.mul(alongY, v128.load(columns + (at << 2))));
      let to = plane + (at << 2);
      v128.store(to, f32x4.convert_i32x4_s(centre));
      v128.store((to += planeBytes), f32x4.convert_i32x4_s(i32x4.add(i32x4.add(centre, cross), corners)));
      v128.store((to += planeBytes), alongX);
      v128.store((to += planeBytes), alongY);
      v128.store(to + planeBytes, turn);
    }
    plane += length << 2;
  }
  for (let term: usize = 0; term < TERMS; term++) v128.store(plane + term * planeBytes, f32x4.splat(0));
}

/**
 * The aligned distance of each candidate image.
 *
 * @param rows       uint8 images; 16 readable bytes follow
 * @param candidates count int32, row × positions + position
 * @param targets    [positions] planes: the query in each position, by `inner`
 * @param ones       a plane: 1 for each number, 0 where it is filled up
 * @param planeBytes from one plane to the next: whole vectors, and 16 bytes more
 * @param scratch    room for 5 planes
 * @param equations  room for 40 float64
 * @param distances  out: count float64, in pixels of 0 to 255
 */
export function alignedDistances(
  rows: usize, height: usize, width: usize, channels: usize,
  candidates: usize, count: i32, positions: i32,
  targets: usize, ones: usize, columns: usize, planeBytes: usize, scratch: usize,
  equations: usize, distances: usize,
): void {
  const length = (height - 2) * (width - 2) * channels;
  const bytes = ((length + 3) & ~3) << 2;
  for (let i = 0; i < count; i++) {
    const candidate = load<i32>(candidates + (<usize>i << 2));
    const image = rows + <usize>(candidate / positions) * height * width * channels;
    const target = targets + <usize>(candidate % positions) * planeBytes;
    terms(image, height, width, channels, columns, scratch, planeBytes);
    store<f64>(
      distances + (<usize>i << 3),
      isSame(scratch, target, bytes) ? 0 : residual(scratch, target, ones, planeBytes, bytes, <f64>length, equations),
    );
  }
}

function isSame(plane: usize, target: usize, bytes: usize): bool {
  let different = i64x2.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    different = v128.or(different, v128.xor(v128.load(plane + at), v128.load(target + at)));
  }
  return !v128.any_true(different);
}

/** (mean |r|⁴)^¼ of what least squares leave. */
function residual(
  planes: usize, target: usize, ones: usize, planeBytes: usize, bytes: usize, length: f64, equations: usize,
): f64 {
  let constant = setEquations(planes, target, planeBytes, bytes, length, equations);
  solve(equations);
  for (let term: usize = 0; term < TERMS; term++) {
    constant -= coefficient(equations, term) * load<f64>(equations + MEANS + (term << 3));
  }
  const a = f32x4.splat(<f32>coefficient(equations, 0));
  const b = f32x4.splat(<f32>coefficient(equations, 1));
  const c = f32x4.splat(<f32>coefficient(equations, 2));
  const d = f32x4.splat(<f32>coefficient(equations, 3));
  const e = f32x4.splat(<f32>coefficient(equations, 4));
  const f = f32x4.splat(<f32>constant);
  let sum = f32x4.splat(0);
  for (let at: usize = 0; at < bytes; at += 16) {
    let plane = planes + at;
    let left = f32x4.sub(v128.load(target + at), f32x4.mul(f, v128.load(ones + at)));
    left = f32x4.sub(left, f32x4.mul(a, v128.load(plane)));
    left = f32x4.sub(left, f32x4.mul(b, v128.load((plane += planeBytes))));
    left = f32x4.sub(left, f32x4.mul(c, v128.load((plane += planeBytes))));
    left = f32x4.sub(left, f32x4.mul(d, v128.load((plane += planeBytes))));
    left = f32x4.sub(left, f32x4.mul(e, v128.load(plane + planeBytes)));
    const squared = f32x4.mul(left, left);
    sum = f32x4.add(sum, f32x4.mul(squared, squared));
  }
  return Math.sqrt(Math.sqrt(sumLanes(sum) / length));
}

/** The normal equations about the means, so that the constant drops out. Returns the target's mean. */
function setEquations(
  planes: usize, target: usize, planeBytes: usize, bytes: usize, length: f64, equations: usize,
): f64 {
  const zero = f32x4.splat(0);
  let aa = zero, ab = zero, ac = zero, ad = zero, ae = zero, at = zero;
  let bb = zero, bc = zero, bd = zero, be = zero, bt = zero;
  for (let from: usize = 0; from < bytes; from += 16) {
    let plane = planes + from;
    const a = v128.load(plane);
    const b = v128.load((plane += planeBytes));
    const c = v128.load((plane += planeBytes));
    const d = v128.load((plane += planeBytes));
    const e = v128.load(plane + planeBytes);
    const t = v128.load(target + from);
    aa = f32x4.add(aa, f32x4.mul(a, a));
    ab = f32x4.add(ab, f32x4.mul(a, b));
    ac = f32x4.add(ac, f32x4.mul(a, c));
    ad = f32x4.add(ad, f32x4.mul(a, d));
    ae = f32x4.add(ae, f32x4.mul(a, e));
    at = f32x4.add(at, f32x4.mul(a, t));
    bb = f32x4.add(bb, f32x4.mul(b, b));
    bc = f32x4.add(bc, f32x4.mul(b, c));
    bd = f32x4.add(bd, f32x4.mul(b, d));
    be = f32x4.add(be, f32x4.mul(b, e));
    bt = f32x4.add(bt, f32x4.mul(b, t));
  }
  // In three passes, as there are 16 registers.
  let cc = zero, cd = zero, ce = zero, ct = zero;
  let dd = zero, de = zero, dt = zero, ee = zero, et = zero;
  for (let from: usize = 0; from < bytes; from += 16) {
    let plane = planes + 2 * planeBytes + from;
    const c = v128.load(plane);
    const d = v128.load((plane += planeBytes));
    const e = v128.load(plane + planeBytes);
    const t = v128.load(target + from);
    cc = f32x4.add(cc, f32x4.mul(c, c));
    cd = f32x4.add(cd, f32x4.mul(c, d));
    ce = f32x4.add(ce, f32x4.mul(c, e));
    ct = f32x4.add(ct, f32x4.mul(c, t));
    dd = f32x4.add(dd, f32x4.mul(d, d));
    de = f32x4.add(de, f32x4.mul(d, e));
    dt = f32x4.add(dt, f32x4.mul(d, t));
    ee = f32x4.add(ee, f32x4.mul(e, e));
    et = f32x4.add(et, f32x4.mul(e, t));
  }
  let a = zero, b = zero, c = zero, d = zero, e = zero, t = zero;
  for (let from: usize = 0; from < bytes; from += 16) {
    let plane = planes + from;
    a = f32x4.add(a, v128.load(plane));
    b = f32x4.add(b, v128.load((plane += planeBytes)));
    c = f32x4.add(c, v128.load((plane += planeBytes)));
    d = f32x4.add(d, v128.load((plane += planeBytes)));
    e = f32x4.add(e, v128.load(plane + planeBytes));
    t = f32x4.add(t, v128.load(target + from));
  }
  store<f64>(equations + MEANS, sumLanes(a) / length);
  store<f64>(equations + MEANS, sumLanes(b) / length, 8);
  store<f64>(equations + MEANS, sumLanes(c) / length, 16);
  store<f64>(equations + MEANS, sumLanes(d) / length, 24);
  store<f64>(equations + MEANS, sumLanes(e) / length, 32);
  const targetMean = sumLanes(t) / length;
  setProduct(equations, 0, 0, aa, length);
  setProduct(equations, 0, 1, ab, length);
  setProduct(equations, 0, 2, ac, length);
  setProduct(equations, 0, 3, ad, length);
  setProduct(equations, 0, 4, ae, length);
  setProduct(equations, 1, 1, bb, length);
  setProduct(equations, 1, 2, bc, length);
  setProduct(equations, 1, 3, bd, length);
  setProduct(equations, 1, 4, be, length);
  setProduct(equations, 2, 2, cc, length);
  setProduct(equations, 2, 3, cd, length);
  setProduct(equations, 2, 4, ce, length);
  setProduct(equations, 3, 3, dd, length);
  setProduct(equations, 3, 4, de, length);
  setProduct(equations, 4, 4, ee, length);
  setRight(equations, 0, at, targetMean, length);
  setRight(equations, 1, bt, targetMean, length);
  setRight(equations, 2, ct, targetMean, length);
  setRight(equations, 3, dt, targetMean, length);
  setRight(equations, 4, et, targetMean, length);
  return targetMean;
}

function setProduct(equations: usize, term: usize, other: usize, products: v128, length: f64): void {
  const mean = load<f64>(equations + MEANS + (term << 3));
  const value = sumLanes(products) - length * mean * load<f64>(equations + MEANS + (other << 3));
  store<f64>(equations + term * ROW_BYTES + (other << 3), value);
  store<f64>(equations + other * ROW_BYTES + (term << 3), value);
  if (term == other) store<f64>(equations + VARIANCES + (term << 3), value);
}

function setRight(equations: usize, term: usize, products: v128, targetMean: f64, length: f64): void {
  const mean = load<f64>(equations + MEANS + (term << 3));
  store<f64>(equations + term * ROW_BYTES + (TERMS << 3), sumLanes(products) - length * mean * targetMean);
}

// @ts-ignore: decorator
@inline
function coefficient(equations: usize, term: usize): f64 {
  return load<f64>(equations + term * ROW_BYTES + (TERMS << 3));
}

/** Gauss-Jordan elimination: the coefficients replace the right side, those of singular terms are 0. */
function solve(equations: usize): void {
  for (let term: usize = 0; term < TERMS; term++) {
    const own = equations + term * ROW_BYTES;
    const pivot = load<f64>(own + (term << 3));
    // What is left of the term's variance once the terms before it have explained their part.
    const isSingular = !(pivot > SINGULAR * load<f64>(equations + VARIANCES + (term << 3)));
    if (isSingular) memory.fill(own, 0, ROW_BYTES);
    for (let column = term; column <= TERMS && !isSingular; column++) {
      store<f64>(own + (column << 3), load<f64>(own + (column << 3)) / pivot);
    }
    for (let row: usize = 0; row < TERMS; row++) {
      if (row == term) continue;
      const other = equations + row * ROW_BYTES;
      const factor = load<f64>(other + (term << 3));
      for (let column = term; column <= TERMS; column++) {
        const value = load<f64>(other + (column << 3)) - factor * load<f64>(own + (column << 3));
        store<f64>(other + (column << 3), value);
      }
    }
  }
}
