/** What is on the screen, as commands and programs: each runs as it is. */

import type { Example } from "./service.ts";

/** What is on the screen. */
export interface Screen {
  /** Where the model's routes are, absolute, without a slash at its end. */
  readonly url: string;
  readonly kind: "image" | "vector";
  readonly temperature: number;
  readonly label: string | undefined;
  readonly shown:
    | { readonly view: "samples"; readonly seed: number; readonly batches: number; readonly batch: number }
    | { readonly view: "walk"; readonly from: number; readonly to: number; readonly steps: number };
  /** What is compared with its nearest training examples. */
  readonly example: Example | null;
}

export interface Snippet {
  readonly title: string;
  readonly language: "curl" | "JavaScript" | "Python" | "HTML";
  readonly text: string;
}

export function snippetsOf(screen: Screen): Snippet[] {
  const drawn =
    screen.shown.view === "walk" ? walkSnippets(screen, screen.shown) : sampleSnippets(screen, screen.shown);
  return screen.example ? [...drawn, ...checkSnippets(screen, screen.example)] : drawn;
}

function sampleSnippets(
  { url, kind, temperature, label }: Screen,
  { seed, batches, batch }: Extract<Screen["shown"], { view: "samples" }>,
): Snippet[] {
  const title = "These samples";
  const last = seed + batches - 1;
  const format = kind === "image" ? "png" : "json";
  const query = queryOf({ temperature, label });
  const many = batches > 1;
  const seeds = many ? `[${seed}-${last}]` : String(seed);
  const file = many ? `samples-#1.${format}` : `samples.${format}`;
  const options = objectOf({ n: batch, seed: many ? null : seed, temperature, label });
  const draw = many
    ? `for (let seed = ${seed}; seed <= ${last}; seed++) {\n  for (const sample of await generator.sample(${options})) show(sample);\n}`
    : `for (const sample of await generator.sample(${options})) show(sample);`;
  const show =
    kind === "image"
      ? "const show = (image) => document.body.append(image.toCanvas());"
      : "const show = (vector) => console.log(vector);";
  const tag = `<imle-sample src="${url}/" n="${batch}" seed="${seed}"${attributesOf({ temperature, label })}></imle-sample>`;
  return [
    {
      title,
      language: "curl",
      text: `curl "${escapeGlobs(url)}/sample?n=${batch}&seed=${seeds}&format=${format}${query}" -o "${file}"`,
    },
    {
      title,
      language: "JavaScript",
      text: `${loadLines(url)}\n${show}\n${draw}`,
    },
    {
      title,
      language: "Python",
      text: [
        "import urllib.request",
        "",
        `for seed in range(${seed}, ${last + 1}):`,
        `    url = f"${url}/sample?n=${batch}&seed={seed}&format=${format}${query}"`,
        `    urllib.request.urlretrieve(url, f"samples-{seed}.${format}")`,
      ].join("\n"),
    },
    ...(kind === "image"
      ? [
          {
            title,
            language: "HTML",
            text: `<script type="module" src="${new URL("/embed.js", url)}"></script>\n${tag}`,
          } as const,
        ]
      : []),
  ];
}

function walkSnippets(
  { url, kind, temperature, label }: Screen,
  { from, to, steps }: Extract<Screen["shown"], { view: "walk" }>,
): Snippet[] {
  const end = (seed: number) => (label === undefined ? String(seed) : objectOf({ seed, label }));
  const options = temperature === 1 ? "" : `, { temperature: ${temperature} }`;
  const show = kind === "image" ? "document.body.append(step.toCanvas())" : "console.log(step)";
  return [
    {
      title: "This walk",
      language: "JavaScript",
      text: [
        loadLines(url),
        `const path = await generator.interpolate(${end(from)}, ${end(to)}, ${steps}${options});`,
        `for (const step of path) ${show};`,
      ].join("\n"),
    },
  ];
}

function checkSnippets({ url }: Screen, example: Example): Snippet[] {
  const title = "This comparison";
  const body = JSON.stringify(example);
  return [
    {
      title,
      language: "curl",
      text: `curl "${url}/nearest" -H "content-type: application/json" -d '${body.replaceAll("'", "'\\''")}'`,
    },
    {
      title,
      language: "JavaScript",
      text: [
        `const response = await fetch("${url}/nearest", {`,
        '  method: "POST",',
        '  headers: { "content-type": "application/json" },',
        `  body: JSON.stringify(${body}),`,
        "});",
        "const { verdict, pValue, neighbours } = await response.json();",
        "console.log(verdict, pValue, neighbours);",
      ].join("\n"),
    },
    {
      title,
      language: "Python",
      text: [
        "import json, urllib.request",
        "",
        "request = urllib.request.Request(",
        `    "${url}/nearest",`,
        `    data=json.dumps(${body}).encode(),`,
        '    headers={"content-type": "application/json"},',
        ")",
        "answer = json.load(urllib.request.urlopen(request))",
        'print(answer["verdict"], answer["pValue"])',
      ].join("\n"),
    },
  ];
}

function loadLines(url: string): string {
  return [
    `import { loadGenerator } from "${new URL("/embed.js", url)}";`,
    "",
    `const generator = await loadGenerator("${url}/");`,
  ].join("\n");
}

interface Asked {
  readonly temperature: number;
  readonly label: string | undefined;
}

function queryOf({ temperature, label }: Asked): string {
  const query = new URLSearchParams();
  if (temperature !== 1) query.set("temperature", String(temperature));
  if (label !== undefined) query.set("label", label);
  return query.size > 0 ? `&${query}` : "";
}

function attributesOf({ temperature, label }: Asked): string {
  const quoted = label?.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return (
    (temperature === 1 ? "" : ` temperature="${temperature}"`) +
    (quoted === undefined ? "" : ` label="${quoted}"`)
  );
}

/** An object literal without what is as usual. `seed: null` takes the variable of that name. */
function objectOf({
  n,
  seed,
  temperature = 1,
  label,
}: Partial<Asked> & { n?: number; seed: number | null; label?: string | undefined }): string {
  const fields = [
    ...(n === undefined ? [] : [`n: ${n}`]),
    seed === null ? "seed" : `seed: ${seed}`,
    ...(temperature === 1 ? [] : [`temperature: ${temperature}`]),
    ...(label === undefined ? [] : [`label: ${JSON.stringify(label)}`]),
  ];
  return `{ ${fields.join(", ")} }`;
}

/** curl takes brackets for patterns, as in IPv6 addresses. */
function escapeGlobs(url: string): string {
  return url.replaceAll(/[[\]{}]/g, "\\$&");
}
