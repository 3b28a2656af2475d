/** Drawings as SVG, by Vega-Lite. */

import { loader, parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";

/** The drawing as a file of its own. */
export async function svgOf(spec: TopLevelSpec): Promise<string> {
  const view = new View(parse(compile({ background: "white", ...spec }).spec), {
    renderer: "none",
    loader: loader(),
  });
  const svg = await view.toSVG();
  view.finalize();
  return svg;
}
