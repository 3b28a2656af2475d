/** Vectors as a scatter plot: the first two dimensions, or one dimension along a line. */

const SVG = "http://www.w3.org/2000/svg";
const SIZE = 400;
const MARGIN = 28;
const RADIUS = 6;

export interface Plot {
  readonly element: Element;
  /** Rings where training examples are, in place of those that were shown before. */
  showTraining(vectors: readonly (readonly number[])[]): void;
}

/** @param choose called when a point is clicked, or chosen with Enter or Space */
export function plotVectors(
  vectors: readonly (readonly number[])[],
  choose: (index: number, target: Element) => void,
): Plot {
  const xs = vectors.map((vector) => vector[0]!);
  // A single dimension is spread upwards by sample number, so that equal values stay apart.
  const isLine = vectors[0]!.length === 1;
  const ys = isLine ? vectors.map((_, i) => i) : vectors.map((vector) => vector[1]!);
  const toX = scale(xs, MARGIN, SIZE - MARGIN);
  const toY = scale(ys, SIZE - MARGIN, MARGIN);
  const plot = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, class: "plot" });
  plot.append(
    svg("line", { x1: MARGIN, x2: SIZE - MARGIN, y1: SIZE - MARGIN + 10, y2: SIZE - MARGIN + 10 }),
    label(String(round(Math.min(...xs))), MARGIN, SIZE - 4, "start"),
    label(String(round(Math.max(...xs))), SIZE - MARGIN, SIZE - 4, "end"),
  );
  if (!isLine) {
    plot.append(
      svg("line", { x1: MARGIN - 10, x2: MARGIN - 10, y1: MARGIN, y2: SIZE - MARGIN }),
      label(String(round(Math.max(...ys))), 2, MARGIN - 8, "start"),
      label(String(round(Math.min(...ys))), 2, SIZE - MARGIN + 6, "start"),
    );
  }
  vectors.forEach((vector, index) => {
    const point = svg("circle", {
      cx: toX(xs[index]!),
      cy: toY(ys[index]!),
      r: RADIUS,
      class: "point",
      role: "button",
      tabindex: 0,
      "aria-pressed": "false",
      "aria-label": `Sample ${index + 1} at ${vector.map(round).join(", ")}`,
    });
    point.addEventListener("click", () => choose(index, point));
    point.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      choose(index, point);
    });
    plot.append(point);
  });
  const rings = svg("g", { class: "training" });
  plot.append(rings);
  return {
    element: plot,
    showTraining(examples) {
      const height = (example: readonly number[]) => (isLine ? SIZE - MARGIN + 10 : toY(example[1]!));
      rings.replaceChildren(
        ...examples.map((example) => svg("circle", { cx: toX(example[0]!), cy: height(example), r: RADIUS })),
      );
    },
  };
}

function scale(values: readonly number[], from: number, to: number): (value: number) => number {
  const low = Math.min(...values);
  const span = Math.max(...values) - low || 1;
  return (value) => from + ((value - low) / span) * (to - from);
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}

function label(text: string, x: number, y: number, anchor: string): Element {
  const made = svg("text", { x, y, "text-anchor": anchor });
  made.textContent = text;
  return made;
}

function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number>>,
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}
