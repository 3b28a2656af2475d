/** Elements of the page, found and made. */

/** Elements of index.html are there; asking for another is a mistake of ours. */
export function element<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** @param properties as the element's own, say { className: "quiet" } */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number>>,
  ...children: readonly (Node | string)[]
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** Names and what they are, as a table. */
export function definitions(rows: readonly (readonly [string, string])[]): HTMLElement {
  const list = create("dl", { className: "numbers" });
  for (const [name, value] of rows) {
    list.append(create("dt", {}, name), create("dd", {}, value));
  }
  return list;
}
