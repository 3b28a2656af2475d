/** What the model is, from its manifest. */

import type { Manifest } from "../../shared/manifest.ts";
import { CLOSE_BELOW } from "../../shared/verdict.ts";
import { create, definitions, element } from "./dom.ts";
import { bytes, grouped, percent, short } from "./numbers.ts";
import type { Service } from "./service.ts";

export function showModelCard({ manifest, address }: Service): void {
  const { files, metrics } = manifest;
  const cards = [
    card("What it draws", definitions(drawn(manifest))),
    card("What it learned from", definitions(learned(manifest))),
    card("How well, as measured when it was exported", metricsTable(metrics)),
    card(
      "Files",
      definitions(files.map(({ path, bytes: size }) => [path, bytes(size)] as const)),
      create(
        "p",
        {},
        ...["manifest.json", "model.json", "model.onnx"].flatMap((file) => [
          create("a", { href: address(file), download: file }, file),
          " ",
        ]),
      ),
    ),
    card("The check for copies", ...aboutVerdict(manifest)),
  ];
  element("model-cards").replaceChildren(...cards);
}

type Row = readonly [string, string];

function drawn({ output, latent, generator, conditional, labels, version, createdBy }: Manifest): Row[] {
  const [height, width, channels] = output.shape;
  return [
    [
      "Output",
      output.kind === "image"
        ? `images, ${width} × ${height}, ${channels === 1 ? "grey" : "colour"}`
        : `vectors of ${output.shape[0]}`,
    ],
    ["From", `${latent.size} normal numbers${conditional ? " and a class" : ""}`],
    ...(conditional ? [["Classes", labels!.join(", ")] as const] : []),
    ["Layers", String(generator.layers.length)],
    ["Weights", `${grouped(generator.parameterCount)}, as ${generator.weights?.dtype ?? "float32"}`],
    ...(generator.weights?.error
      ? [["Rounding moves a number by", `${short(generator.weights.error.mean)} on average`] as const]
      : []),
    ["Version", version],
    ["Made by", createdBy],
  ];
}

function learned({ dataset, training }: Manifest): Row[] {
  return [
    ["Data", dataset.name],
    ["Training examples", grouped(dataset.trainCount)],
    ["Held out, test", `${grouped(dataset.heldOutCount)}, ${grouped(dataset.testCount)}`],
    ["Objective", training.objective],
    ["Steps", grouped(training.steps)],
    ["Engine, seed", `${training.engine}, ${training.seed}`],
  ];
}

/** Each with its standard error, which the manifest has beside it. */
function metricsTable(metrics: Manifest["metrics"]): HTMLElement {
  const rows = Object.entries(metrics)
    .filter(([name]) => !name.endsWith("Error"))
    .map(([name, value]) => {
      const error = metrics[`${name}Error`];
      return [
        inWords(name),
        error === undefined ? short(value) : `${short(value)} ± ${short(error)}`,
      ] as const;
    });
  return rows.length > 0 ? definitions(rows) : create("p", { className: "quiet" }, "Nothing was measured.");
}

/** matchDistanceP95 → Match distance p95 */
function inWords(name: string): string {
  const words = name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return words[0]!.toUpperCase() + words.slice(1);
}

function aboutVerdict({ calibration, neighbours, output }: Manifest): HTMLElement[] {
  if (!neighbours || !calibration) {
    return [
      create(
        "p",
        {},
        "The training examples were left out of this model, so nothing can be compared with them.",
      ),
    ];
  }
  const paragraphs = [
    `An example is compared with all ${grouped(neighbours.rowCount)} training examples. What counts is how much nearer ` +
      `it lies to the nearest of them than to the ${calibration.neighbourhood} nearest together. The p-value is the share of ` +
      `${grouped(calibration.heldOut)} real examples that lie as near: “a copy” below ${percent(calibration.alpha)}, ` +
      `“close to one” below ${percent(CLOSE_BELOW)}, else “novel”.`,
    `So of fresh real examples ${percent(calibration.alpha)} are called a copy though they are none. ` +
      (output.kind === "image"
        ? "Copies that were dimmed, blurred, mixed or moved a little are mostly found."
        : ""),
    "It is a nearest-neighbour test. It is no guarantee of privacy, says nothing about who is in the data, and can miss " +
      "what was mirrored, moved far or redrawn. “Novel” means not unusually near, not original.",
  ];
  return paragraphs.map((text) => create("p", {}, text));
}

function card(title: string, ...children: readonly Node[]): HTMLElement {
  return create("section", { className: "card" }, create("h2", {}, title), ...children);
}
