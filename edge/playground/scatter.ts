/** Vectors as points: their first two dimensions, or one dimension along a line. */

import { svg } from "./dom.ts";
import type { Choose, Gallery } from "./gallery.ts";
import { short } from "./numbers.ts";

const SIZE = 400;
const MARGIN = 28;
const RADIUS = 5;

type Vector = readonly number[];

/** Where a vector is drawn: [x, y]. */
type Place = (vector: Vector, index: number) => readonly [number, number];

/** @param choose called when a point is clicked, or chosen with Enter or Space; the points are one Tab stop */
export function createScatter(choose: Choose): Gallery {
  const plot = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "scatter" });
  const points = svg("g", {});
  const rings = svg("g", { class: "training" });
  const axes = svg("g", {});
  plot.append(axes, points, rings);
  let vectors: Vector[] = [];
  let place: Place = () => [0, 0];
  let current = 0;
  let pressed: number | null = null;

  const focus = (index: number) => {
    points.children[current]?.setAttribute("tabindex", "-1");
    current = (index + vectors.length) % vectors.length;
    const point = points.children[current] as SVGElement;
    point.setAttribute("tabindex", "0");
    point.focus();
  };
  const pointFor = (vector: Vector, index: number): SVGElement => {
    const [cx, cy] = place(vector, index);
    const point = svg("circle", {
      cx,
      cy,
      r: RADIUS,
      class: "point",
      role: "button",
      tabindex: index === current ? 0 : -1,
      "aria-pressed": String(index === pressed),
      "aria-label": `Sample ${index + 1} at ${vector.map(short).join(", ")}`,
    });
    point.addEventListener("click", () => choose(index));
    point.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (step) focus(index + step);
      else if (event.key === "Enter" || event.key === " ") choose(index);
      else return;
      event.preventDefault();
    });
    return point;
  };
  const draw = () => {
    const { place: found, axes: lines } = layOut(vectors);
    place = found;
    axes.replaceChildren(...lines);
    points.replaceChildren(...vectors.map(pointFor));
    rings.replaceChildren();
  };

  return {
    element: plot,
    show(first, samples) {
      vectors.splice(
        first,
        samples.length,
        ...samples.map((sample) => ("vector" in sample ? sample.vector : [])),
      );
      draw();
    },
    truncate(count) {
      vectors = vectors.slice(0, count);
      if (current >= count) current = 0;
    },
    press(index) {
      pressed = index;
      for (const [i, point] of [...points.children].entries()) point.ariaPressed = String(i === index);
      if (index === null) rings.replaceChildren();
    },
    showTraining(examples) {
      rings.replaceChildren(...examples.map((example) => ringAt(place(example, -1))));
    },
  };
}

/** A way through the data: all its points, and one of them marked. */
export function createPathPlot(): {
  readonly element: Element;
  show(path: readonly Vector[], at: number): void;
} {
  const plot = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "scatter", "aria-hidden": "true" });
  return {
    element: plot,
    show(path, at) {
      const { place, axes } = layOut(path);
      const dots = path.map((vector, i) => {
        const [cx, cy] = place(vector, i);
        return svg("circle", { cx, cy, r: i === at ? RADIUS * 1.6 : 2, class: "point" });
      });
      plot.replaceChildren(...axes, ...dots);
    },
  };
}

function ringAt([cx, cy]: readonly [number, number]): SVGElement {
  return svg("circle", { cx, cy, r: RADIUS + 1 });
}

/** A single dimension is spread upwards by sample number, so that equal values stay apart. */
function layOut(vectors: readonly Vector[]): { place: Place; axes: SVGElement[] } {
  const isLine = vectors[0]!.length === 1;
  const xs = vectors.map((vector) => vector[0]!);
  const ys = isLine ? vectors.map((_, i) => i) : vectors.map((vector) => vector[1]!);
  const toX = scale(xs, MARGIN, SIZE - MARGIN);
  const toY = scale(ys, SIZE - MARGIN, MARGIN);
  const floor = SIZE - MARGIN + 10;
  const axes: SVGElement[] = [
    svg("line", { x1: MARGIN, x2: SIZE - MARGIN, y1: floor, y2: floor }),
    text(short(Math.min(...xs)), MARGIN, SIZE - 4, "start"),
    text(short(Math.max(...xs)), SIZE - MARGIN, SIZE - 4, "end"),
  ];
  if (!isLine) {
    axes.push(
      svg("line", { x1: MARGIN - 10, x2: MARGIN - 10, y1: MARGIN, y2: SIZE - MARGIN }),
      text(short(Math.max(...ys)), 2, MARGIN - 8, "start"),
      text(short(Math.min(...ys)), 2, SIZE - MARGIN + 6, "start"),
    );
  }
  return {
    axes,
    place: (vector, index) => [toX(vector[0]!), isLine ? (index < 0 ? floor : toY(index)) : toY(vector[1]!)],
  };
}

function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

function text(content: string, x: number, y: number, anchor: string): SVGElement {
  return svg("text", { x, y, "text-anchor": anchor }, content);
}
