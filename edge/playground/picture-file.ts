/** Pictures that people bring: any size, any format that the browser decodes, made the model's own. */

import { grouped } from "./numbers.ts";
import { pixelsOf } from "./pixels.ts";
import type { Picture } from "./sources.ts";

export interface ReadPicture {
  readonly picture: Picture;
  /** What was done to it. */
  readonly said: string;
}

/** What the trainer does to pictures: crops around the centre, resizes; transparency lies on white. */
export async function readPictureFile(
  file: Blob,
  [height, width, channels]: readonly [number, number, 1 | 3],
): Promise<ReadPicture> {
  const name = file instanceof File && file.name ? file.name : "What was pasted";
  if (file.type !== "" && !file.type.startsWith("image/")) {
    throw new Error(`${name} is no picture (${file.type}). PNG, JPEG, WebP, GIF and AVIF can be compared.`);
  }
  const whole = await createImageBitmap(file).catch(() => {
    throw new Error(
      `${name} can't be read as a picture. PNG, JPEG, WebP, GIF and AVIF can; is the file whole?`,
    );
  });
  // The largest part of the model's proportions, around the centre.
  const scale = Math.min(whole.width / width, whole.height / height);
  const [cropWidth, cropHeight] = [width, height].map((side) => Math.max(Math.round(side * scale), 1)) as [
    number,
    number,
  ];
  const size = `${grouped(whole.width)} × ${grouped(whole.height)}`;
  const isSame = whole.width === width && whole.height === height;
  const said = isSame
    ? `${name}, ${size}.`
    : `${name}, ${size} (${megapixels(whole.width * whole.height)}): its middle, made ${width} × ${height} in this browser. ` +
      "Nothing else of it is sent.";
  const canvas = shrunk(whole, cropWidth, cropHeight, width, height);
  whole.close();
  return { picture: pixelsOf(canvas.getContext("2d")!.getImageData(0, 0, width, height), channels), said };
}

/**
 * The middle of a picture, halved until it is nearly small enough: browsers average two pixels well, and of many at once
 * some leave most out.
 */
function shrunk(
  whole: ImageBitmap,
  cropWidth: number,
  cropHeight: number,
  width: number,
  height: number,
): OffscreenCanvas {
  let source: ImageBitmap | OffscreenCanvas = whole;
  let [left, top] = [(whole.width - cropWidth) / 2, (whole.height - cropHeight) / 2].map(Math.floor) as [
    number,
    number,
  ];
  let [w, h] = [cropWidth, cropHeight];
  while (true) {
    const [nextW, nextH] = [Math.max(Math.ceil(w / 2), width), Math.max(Math.ceil(h / 2), height)];
    const canvas = new OffscreenCanvas(nextW, nextH);
    const context = canvas.getContext("2d")!;
    context.fillStyle = "white";
    context.fillRect(0, 0, nextW, nextH);
    context.imageSmoothingQuality = "high";
    context.drawImage(source, left, top, w, h, 0, 0, nextW, nextH);
    if (nextW === width && nextH === height) return canvas;
    [source, left, top, w, h] = [canvas, 0, 0, nextW, nextH];
  }
}

function megapixels(pixels: number): string {
  return pixels < 1e6 ? `${grouped(pixels)} pixels` : `${(pixels / 1e6).toFixed(1)} megapixels`;
}

/** Calls back with a picture that is dropped anywhere on the page, or pasted. */
export function acceptPictures(onFile: (file: Blob) => void, onDragging: (isOver: boolean) => void): void {
  const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    onDragging(true);
  });
  addEventListener("dragleave", (event) => {
    if (event.relatedTarget === null) onDragging(false);
  });
  addEventListener("drop", (event) => {
    onDragging(false);
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    onFile(file);
  });
  addEventListener("paste", (event) => {
    const file = event.clipboardData?.files[0];
    if (file) onFile(file);
  });
}
