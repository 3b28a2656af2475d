/** Drawings as SVG, by Vega-Lite. */

import type { TopLevelSpec } from "vega-lite";

/** The drawing as an SVG element. Vega is loaded when it is first needed: it takes half a second. */
export async function svgOf(spec: TopLevelSpec): Promise<string> {
  const [{ loader, parse, View }, { compile }] = await Promise.all([import("vega"), import("vega-lite")]);
  const view = new View(parse(compile(spec).spec), { renderer: "none", loader: loader() });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}
