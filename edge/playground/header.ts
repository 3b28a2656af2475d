/** The bar above: what the model is, the others that are served, and what went wrong. */

import { element } from "./dom.ts";
import { grouped } from "./numbers.ts";
import { OFFLINE, type Service, servedModels } from "./service.ts";

export function describeModel({ manifest: { name, output, dataset, training } }: Service): void {
  document.title = `${name} · imle-edge`;
  element("title").textContent = name;
  const what = output.kind === "image" ? `${output.shape[1]} × ${output.shape[0]} images` : "vectors";
  element("about").textContent =
    `Draws ${what}. Trained by ${training.objective} on ${grouped(dataset.trainCount)} examples of ${dataset.name}.`;
}

/** Where there are several, one can go to another. */
export async function listModels(current: string): Promise<void> {
  const models = await servedModels();
  if (models.length < 2) return;
  const select = element<HTMLSelectElement>("models");
  for (const { name } of models) select.add(new Option(name, name, false, name === current));
  select.hidden = false;
  select.addEventListener("change", () => location.assign(`/models/${select.value}/`));
}

/** @param error what was thrown, or what to say */
export function showError(error: unknown): void {
  element("error").textContent = error instanceof Error ? error.message : String(error);
  element("error").hidden = false;
}

export function hideError(): void {
  element("error").hidden = true;
}

/** @param onBack called when there is a network again */
export function watchConnection(onBack: () => void): void {
  addEventListener("offline", () => showError(OFFLINE));
  addEventListener("online", () => {
    hideError();
    onBack();
  });
}
