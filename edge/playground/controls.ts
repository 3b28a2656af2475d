/** Seed, temperature and class. */

import { type Address, parseSeed } from "./address.ts";
import { element } from "./dom.ts";
import { newSeed } from "./numbers.ts";

export interface ControlsOptions {
  /** Classes that one may ask for; none of models that take none. */
  readonly labels: readonly string[];
  /** NaN: what was typed is none. */
  readonly onSeed: (seed: number) => void;
  readonly onChange: (change: Pick<Partial<Address>, "temperature" | "label">) => void;
}

/** @returns shows what an address says */
export function createControls({ labels, onSeed, onChange }: ControlsOptions): (address: Address) => void {
  const seed = element<HTMLInputElement>("seed");
  const temperature = element<HTMLInputElement>("temperature");
  const label = element<HTMLSelectElement>("label");
  label.append(new Option("any", ""), ...labels.map((each) => new Option(each)));
  element("class").hidden = labels.length === 0;

  element("controls").addEventListener("submit", (event) => event.preventDefault());
  seed.addEventListener("change", () => onSeed(parseSeed(seed.value)));
  element("new-seed").addEventListener("click", () => onSeed(newSeed()));
  temperature.addEventListener("input", () => onChange({ temperature: Number(temperature.value) }));
  label.addEventListener("change", () => onChange({ label: label.value || undefined }));

  return (address) => {
    seed.value = Number.isNaN(address.seed) ? "" : String(address.seed);
    temperature.value = String(address.temperature);
    element("temperature-value").textContent = address.temperature.toFixed(2);
    label.value = address.label ?? "";
  };
}
