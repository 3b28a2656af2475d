/** A pad to draw on, by mouse, finger or keys; what is drawn has the model's own size. */

import { create, element } from "./dom.ts";
import { pixelsOf } from "./pixels.ts";
import type { Picture } from "./sources.ts";

/** The pad's pixels for each of the model's: lines come out smooth when they are averaged. */
const FINENESS = 8;
/** Of the picture's width: about what digits are written with. */
const PEN = 0.085;

export interface DrawingPad {
  /** Ink on this ground, from an empty pad on. */
  setGround(isDark: boolean): void;
}

/**
 * @param shape     [height, width, channels]
 * @param onDrawn   called when the pen is lifted
 */
export function createDrawingPad(
  [height, width, channels]: readonly [number, number, 1 | 3],
  onDrawn: (picture: Picture) => void,
): DrawingPad {
  const pad = element<HTMLCanvasElement>("pad");
  const pen = element("pad-pen");
  const colour = element<HTMLInputElement>("pad-colour");
  const context = pad.getContext("2d", { willReadFrequently: true })!;
  let isDark = true;
  /** In the pad's pixels. */
  let at = { x: 0, y: 0 };
  let isDown = false;

  Object.assign(pad, { width: width * FINENESS, height: height * FINENESS });
  element("pad-colour-label").hidden = channels === 1;

  const ink = () => (channels === 3 ? colour.value : isDark ? "#fff" : "#000");
  const clear = () => {
    context.fillStyle = isDark ? "#000" : "#fff";
    context.fillRect(0, 0, pad.width, pad.height);
    at = { x: pad.width / 2, y: pad.height / 2 };
    isDown = false;
    showPen();
  };
  const lineTo = (x: number, y: number) => {
    context.strokeStyle = ink();
    context.lineWidth = PEN * pad.width;
    context.lineCap = context.lineJoin = "round";
    context.beginPath();
    context.moveTo(at.x, at.y);
    context.lineTo(x, y);
    context.stroke();
    at = { x, y };
  };
  const showPen = () => {
    pen.style.left = `${(100 * at.x) / pad.width}%`;
    pen.style.top = `${(100 * at.y) / pad.height}%`;
    pen.classList.toggle("down", isDown);
  };
  const lift = () => {
    const small = create("canvas", { width, height });
    const target = small.getContext("2d", { willReadFrequently: true })!;
    target.imageSmoothingQuality = "high";
    target.drawImage(pad, 0, 0, width, height);
    onDrawn(pixelsOf(target.getImageData(0, 0, width, height), channels));
  };

  const place = ({ offsetX, offsetY }: PointerEvent) => ({
    x: (offsetX * pad.width) / pad.clientWidth,
    y: (offsetY * pad.height) / pad.clientHeight,
  });
  pad.addEventListener("pointerdown", (event) => {
    pad.setPointerCapture(event.pointerId);
    at = place(event);
    lineTo(at.x, at.y);
    isDown = true;
    const move = (event: PointerEvent) => {
      for (const each of [...(event.getCoalescedEvents?.() ?? []), event]) {
        const { x, y } = place(each);
        lineTo(x, y);
      }
    };
    const stop = () => {
      pad.removeEventListener("pointermove", move);
      isDown = false;
      showPen();
      lift();
    };
    pad.addEventListener("pointermove", move);
    pad.addEventListener("pointerup", stop, { once: true });
    pad.addEventListener("pointercancel", stop, { once: true });
  });
  pad.addEventListener("keydown", (event) => {
    const step = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
    if (step) {
      const x = Math.min(Math.max(at.x + step[0]! * FINENESS, 0), pad.width);
      const y = Math.min(Math.max(at.y + step[1]! * FINENESS, 0), pad.height);
      if (isDown) lineTo(x, y);
      else at = { x, y };
    } else if (event.key === " " || event.key === "Enter") {
      isDown = !isDown;
      if (isDown) lineTo(at.x, at.y);
      else lift();
    } else return;
    event.preventDefault();
    showPen();
  });
  element("pad-clear").addEventListener("click", clear);

  return {
    setGround(dark) {
      isDark = dark;
      clear();
    },
  };
}
