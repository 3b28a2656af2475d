// Draws 300 pictures of each of three shapes: pictures/circle/0.png, …
import { mkdir } from "node:fs/promises";
import { createRandom } from "imle-edge/trainer";
import sharp from "sharp";

const SIDE = 32;
const COUNT = 300;
const COLOURS = ["#d1495b", "#edae49", "#00798c", "#30638e"];
const SHAPES = {
  circle: (x, y, r) => `<circle cx="${x}" cy="${y}" r="${r}"/>`,
  square: (x, y, r) => `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}"/>`,
  triangle: (x, y, r) => `<polygon points="${x},${y - r} ${x - r},${y + r} ${x + r},${y + r}"/>`,
};

for (const [shape, draw] of Object.entries(SHAPES)) {
  await mkdir(`pictures/${shape}`, { recursive: true });
  for (let i = 0; i < COUNT; i++) {
    const random = createRandom(1).fork(shape, i);
    const between = (low, high) => low + (high - low) * random.uniform();
    const radius = between(8, 12);
    const place = () => between(radius + 2, SIDE - radius - 2);
    const colour = COLOURS[random.below(COLOURS.length)];
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">
      <rect width="${SIDE}" height="${SIDE}" fill="#fff"/><g fill="${colour}">${draw(place(), place(), radius)}</g></svg>`;
    await sharp(Buffer.from(svg)).png().toFile(`pictures/${shape}/${i}.png`);
  }
}
