/** The /docs page: the OpenAPI document as one plain page, without scripts. */

import { PROBLEMS } from "./problem.ts";

interface ParameterSchema {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema?: ParameterSchema;
    readonly description?: string;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: object }>>;
}

type Document = {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly security?: readonly object[];
};

export function docsPage(openApi: object): string {
  const { info, paths, security } = openApi as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => operationSection(path, method, operation)),
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${text(info.title)} ${text(info.version)}: HTTP interface</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/playground.css">
<body class="docs">
<header><h1>${text(info.title)}</h1>
<p>${text(info.description)}</p>
${security ? "<p>Models answer who sends a key, as <code>authorization: Bearer …</code> or <code>x-api-key: …</code>.</p>" : ""}
<p><a href="/">Playground</a> · <a href="/openapi.json">OpenAPI document</a></p></header>
<main>
${operations.join("\n")}
<section><h2>Problems</h2>
<p>Every error is <code>application/problem+json</code> with <code>type</code>, <code>title</code>,
<code>status</code>, <code>detail</code> and one of these codes.</p>
<dl>${Object.entries(PROBLEMS)
    .map(
      ([code, { status, title }]) =>
        `<dt id="${code}"><code>${code}</code> ${status}</dt><dd>${text(title)}</dd>`,
    )
    .join("\n")}</dl></section>
</main>
`;
}

function operationSection(path: string, method: string, operation: Operation): string {
  const parameters = (operation.parameters ?? []).map(
    ({ name, schema = {}, description = schema.description ?? "" }) =>
      `<dt><code>${text(name)}</code> <small>${text(valuesOf(schema))}</small></dt><dd>${text(description)}</dd>`,
  );
  const bodyTypes = Object.keys(operation.requestBody?.content ?? {});
  const responses = Object.entries(operation.responses).map(
    ([status, { description, content }]) =>
      `<dt><code>${status}</code></dt><dd>${text(description)}${content ? ` <small>${text(Object.keys(content).join(", "))}</small>` : ""}</dd>`,
  );
  return `<section><h2><code>${method.toUpperCase()} ${text(path)}</code></h2>
<p>${text([operation.summary, operation.description].filter(Boolean).join(". "))}</p>
${parameters.length > 0 ? `<h3>Parameters</h3><dl>${parameters.join("\n")}</dl>` : ""}
${bodyTypes.length > 0 ? `<h3>Body</h3><p>${text(bodyTypes.join(", "))}</p>` : ""}
<h3>Answers</h3><dl>${responses.join("\n")}</dl></section>`;
}

function valuesOf({ type = "string", minimum, maximum, enum: values }: ParameterSchema): string {
  if (values) return values.join(", ");
  return minimum === undefined ? type : `${type}, ${minimum} to ${maximum}`;
}

function text(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
