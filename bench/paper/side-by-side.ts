import sharp from "sharp";

const COLUMNS = 3;
const GAP = 16;
const CAPTION = 22;
/** Pictures of other sizes are drawn as large. */
const SIDE = 260;

/** Pictures in rows, each under its caption, as one PNG. @param pictures PNGs by caption */
export async function sideBySide(pictures: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const all = Object.entries(pictures);
  const rows = Math.ceil(all.length / COLUMNS);
  const parts = all.map(([caption, png], i) => {
    const x = GAP + (i % COLUMNS) * (SIDE + GAP);
    const y = GAP + Math.floor(i / COLUMNS) * (SIDE + CAPTION + GAP);
    const text = caption.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    const data = Buffer.from(png).toString("base64");
    return `<text x="${x}" y="${y + CAPTION - 8}">${text}</text>
<image x="${x}" y="${y + CAPTION}" width="${SIDE}" height="${SIDE}" href="data:image/png;base64,${data}"/>`;
  });
  const width = GAP + COLUMNS * (SIDE + GAP);
  const height = GAP + rows * (SIDE + CAPTION + GAP);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif"
 font-size="14"><rect width="100%" height="100%" fill="white"/>${parts.join("\n")}</svg>`;
  return sharp(Buffer.from(svg)).png({ palette: true }).toBuffer();
}
