/** How all drawings look: they take their colours from the page that they are in. */

export const SIZE = { width: 330, height: 210 };
/** Text and lines in the page's own colours, light or dark. */
export const CONFIG = {
  background: "transparent",
  font: "system-ui, sans-serif",
  view: { stroke: null },
  axis: {
    labelColor: "currentColor",
    titleColor: "currentColor",
    titleFontWeight: "normal",
    gridColor: "var(--line)",
    domainColor: "var(--line)",
    tickColor: "var(--line)",
    labelFontSize: 11,
    titleFontSize: 12,
  },
  legend: {
    labelColor: "currentColor",
    titleColor: "currentColor",
    labelFontSize: 12,
    orient: "top",
    title: null,
    symbolType: "stroke",
    symbolStrokeWidth: 3,
    columns: 1,
    labelLimit: 300,
  },
} as const;

/** Colours of several runs, in order; they begin again where there are more. */
export const COLOURS = ["var(--a)", "var(--b)", "var(--c)", "var(--d)", "var(--e)", "var(--f)"] as const;
