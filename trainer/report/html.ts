/** Pieces of HTML that reports are made of. Text becomes HTML by `escapeHtml` alone. */

export function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** @param rows of text; the first column names the row */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = headings
    .map((heading) => (heading === "" ? "<td></td>" : `<th scope="col">${escapeHtml(heading)}</th>`))
    .join("");
  const body = rows.map(([name = "", ...cells]) => {
    const values = cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("");
    return `<tr><th scope="row">${escapeHtml(name)}</th>${values}</tr>`;
  });
  return `<div class="scroll" tabindex="0" role="group" aria-label="${escapeHtml(headings.filter(Boolean).join(", "))}"><table><thead><tr>${head}</tr></thead><tbody>${body.join("\n")}</tbody></table></div>`;
}

export interface Chart {
  readonly title: string;
  /** What it shows, for those who don't see it. */
  readonly alt: string;
  readonly svg: string;
  /** How it is read. */
  readonly caption: string;
  readonly headings: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A drawing with its numbers beside it. */
export function figure({ title, alt, svg, caption, headings, rows }: Chart): string {
  return `<figure>
<h3>${escapeHtml(title)}</h3>
<div class="chart" role="img" aria-label="${escapeHtml(alt)}">${withoutWords(svg)}</div>
<figcaption>${escapeHtml(caption)}</figcaption>
<details><summary>As a table</summary>${table(headings, rows)}</details>
</figure>`;
}

/** Vega names every mark for those who don't see it; here the whole drawing has a text. */
function withoutWords(svg: string): string {
  return svg.replaceAll(/ (?:role|aria-[a-z]+)="[^"]*"/g, "").replace("<svg ", '<svg aria-hidden="true" ');
}

export function section(id: string, title: string, content: string): string {
  return `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${escapeHtml(title)}</h2>
${content}
</section>`;
}

/** A number for people: three digits, thousands set apart. */
export function number(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString("en");
  return Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString("en")
    : String(Number(value.toPrecision(3)));
}

/** 0 … 1 as a percentage. */
export function percentage(share: number): string {
  return `${number(100 * share)} %`;
}
