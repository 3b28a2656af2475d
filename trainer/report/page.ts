/** A page that stands alone: its own styles and script, nothing from elsewhere. */

import { escapeHtml } from "./html.ts";

export interface Page {
  readonly title: string;
  /** HTML. */
  readonly body: string;
  /** What the browser may ask for beside what the page holds; nothing if left out. */
  readonly connects?: "'self'";
}

export function pageOf({ title, body, connects }: Page): string {
  const policy = `default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'${connects ? `; connect-src ${connects}` : ""}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
${body}
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/** Colours: Okabe and Ito's, which colour-blind people can tell apart, darkened or lightened to be read. */
const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif;
  --page: #fff; --card: #f5f6f8; --text: #1b1f24; --quiet: #57606a; --line: #d5dae0;
  --a: #0067a8; --b: #b04a00; --c: #00765a; --d: #9a3d78; --e: #7a5c00; --f: #3d6f8f; }
@media (prefers-color-scheme: dark) { :root {
  --page: #14171c; --card: #1e232a; --text: #e8eaed; --quiet: #a3adb8; --line: #3a424c;
  --a: #5ab4f0; --b: #f0965a; --c: #3fc79f; --d: #e08cc0; --e: #e0b83f; --f: #9cc7e0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--text); }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; overflow-wrap: anywhere; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.35rem; }
h3 { margin: 0 0 .5rem; font-size: 1rem; }
p, figcaption, li { max-width: 46rem; }
a { color: var(--a); }
.quiet, figcaption { color: var(--quiet); }
figcaption { margin-top: .5rem; font-size: .875rem; }
.cards, .charts { display: grid; gap: 1rem; }
.cards { grid-template-columns: repeat(auto-fill, minmax(min(100%, 9.5rem), 1fr)); margin: 1rem 0; padding: 0; list-style: none; }
.charts { grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
.two { display: grid; column-gap: 2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
.two > * { min-width: 0; }
.card { font-size: .9375rem; }
.card, figure { margin: 0; padding: 1rem; border-radius: 10px; background: var(--card); min-width: 0; }
.card .value { display: block; font-size: 1.5rem; font-weight: 600; line-height: 1.3; font-variant-numeric: tabular-nums; }
.card .judgement { display: block; font-weight: 600; }
* + h3 { margin-top: 1.5rem; }
.good { color: var(--c); } .fair { color: var(--e); } .poor { color: var(--b); }
.chart svg { display: block; width: 100%; height: auto; max-width: 34rem; overflow: visible; }
img { max-width: 100%; }
.pixels { image-rendering: pixelated; border-radius: 4px; background: #fff; }
.grid { width: min(100%, 36rem); height: auto; }
.map { width: min(100%, 48rem); height: auto; }
.frames img { display: block; margin-bottom: .5rem; }
.frames img[hidden] { display: none; }
input[type=range] { display: block; width: min(100%, 36rem); height: 2.5rem; accent-color: var(--a); }
.pairs { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1rem 0; padding: 0; list-style: none; }
.pairs li { padding: .5rem; border-radius: 8px; background: var(--card); font-size: .8125rem; }
.pairs img { width: 64px; height: 64px; object-fit: contain; }
.pairs span { display: block; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9375rem; }
th, td { padding: .3rem 1.25rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left; font-weight: normal; vertical-align: top; }
thead th { color: var(--quiet); }
td { font-variant-numeric: tabular-nums; }
details { margin-top: .75rem; } summary { cursor: pointer; }
details table { font-size: .8125rem; }
pre { overflow: auto; padding: 1rem; border-radius: 10px; background: var(--card); font-size: .8125rem; }
.runs { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); }
.key { display: inline-block; width: 1rem; height: .25rem; margin-right: .5rem; vertical-align: middle; border-radius: 2px; }
progress { width: min(100%, 36rem); accent-color: var(--a); }
@media print { details { display: none; } }
`;

/** The slider over the pictures of samples. */
const SCRIPT = `
function scrub(slider) {
  const frames = document.querySelectorAll(".frames img");
  frames.forEach((frame, i) => { frame.hidden = i !== Number(slider.value); });
  const shown = frames[slider.value];
  document.querySelector(".frames output").textContent = shown.dataset.step;
  slider.setAttribute("aria-valuetext", shown.dataset.step);
}
document.addEventListener("input", (event) => { if (event.target.matches(".frames input")) scrub(event.target); });
`;
