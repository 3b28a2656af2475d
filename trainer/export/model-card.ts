/** The bundle's README.md: what the model is, how it was made, and what its memorisation check means. */

import type { LayerSpec, Manifest } from "../../shared/manifest.ts";
import { labelledMetrics } from "../metrics/labelled.ts";
import { madePublic } from "./made-public.ts";

export function modelCard(manifest: Omit<Manifest, "files">): string {
  const { name, training, dataset, output, generator, latent, metrics, calibration } = manifest;
  const shape = output.shape.join("×");
  const lines = [
    `# ${name}`,
    "",
    "![Samples](preview.png)",
    "",
    `A generator of ${output.kind === "image" ? `${shape} images` : `${shape}-dimensional vectors`}, trained ` +
      `with the objective \`${training.objective}\` on ` +
      `${dataset.trainCount.toLocaleString("en")} examples of \`${dataset.name}\`.`,
    "",
    "| | |",
    "|---|---|",
    `| latent | ${latent.size} standard normal numbers |`,
    ...(manifest.conditional
      ? [
          `| label | ${manifest.labels!.length} numbers after them: 1 for the class that is meant, 0 for the others |`,
        ]
      : []),
    `| layers | ${generator.layers.map(layerText).join(" → ")} |`,
    `| parameters | ${generator.parameterCount.toLocaleString("en")}, served as ${weightsText(manifest)} |`,
    `| training | ${training.steps.toLocaleString("en")} steps, seed ${training.seed}, engine ${training.engine} |`,
    `| made by | ${manifest.createdBy} |`,
    "",
    ...(Object.keys(metrics).length === 0
      ? []
      : [
          "## Metrics",
          "",
          "| | |",
          "|---|---|",
          ...labelledMetrics(metrics).map(({ label, text }) => `| ${label} | ${text} |`),
          "",
        ]),
    "## Files",
    "",
    "`model.json` with `weights.*.bin` is a TF.js LayersModel, `model.onnx` the same generator for ONNX Runtime" +
      (generator.weights?.files ? "; `generator.*.bin` holds their weights as they are served" : "") +
      "; " +
      "`manifest.json` describes the rest and holds every file's SHA-256.",
    "",
    "## What this bundle makes public",
    "",
    madePublic(manifest),
    "",
  ];
  if (calibration) {
    lines.push(
      "## The memorisation check",
      "",
      `A nearest-neighbour test, calibrated on ${calibration.heldOut.toLocaleString("en")} ` +
        `${calibration.method === "held-out" ? "held-out examples" : "training examples, each against the others"}: ` +
        `real data is called a copy with probability ${calibration.alpha}. It is no guarantee of privacy: ` +
        "a sample can reveal training data in ways that this test does not see.",
      "",
    );
  }
  return lines.join("\n");
}

function weightsText({ generator, output }: Omit<Manifest, "files">): string {
  const { dtype = "float32", error = null } = generator.weights ?? {};
  if (!error) return dtype;
  const isImage = output.kind === "image";
  const size = (error.rootMeanSquare * (isImage ? 255 : 1)).toPrecision(2);
  return `${dtype}: samples lie ${size}${isImage ? " grey levels" : ""} (root mean square) from the trained weights'`;
}

function layerText(layer: LayerSpec): string {
  switch (layer.kind) {
    case "dense":
      return `dense ${layer.units} ${layer.activation}`;
    case "reshape":
      return `image ${layer.shape.join("×")}`;
    case "conv":
      return `conv ${layer.kernelSize}×${layer.kernelSize} ${layer.filters} ${layer.activation}`;
    case "conv-transpose":
      return `conv-transpose ${layer.kernelSize}×${layer.kernelSize}/${layer.stride} ${layer.filters} ${layer.activation}`;
    case "upsample":
      return `upsample ×${layer.factor}`;
  }
}
