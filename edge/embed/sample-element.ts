/** `<imle-sample src="/models/glyphs/" n="9" seed="7">`: a grid of samples, and at a press others. */

import { imageGrid } from "../../shared/image-grid.ts";
import type { Manifest } from "../../shared/manifest.ts";
import { EmbedError } from "./embed-error.ts";
import type { EngineChoice } from "./engine-choice.ts";
import { type GeneratedImage, paint } from "./images.ts";
import { randomSeed } from "./load-generator.ts";
import { borrowGenerator, type Loan } from "./shared-generators.ts";

const TAG = "imle-sample";
const ATTRIBUTES = ["src", "n", "seed", "label", "temperature", "columns", "alt", "engine"] as const;
type Attribute = (typeof ATTRIBUTES)[number];

/** What `sample` events tell. */
export interface SampleEventDetail {
  readonly seed: number;
  readonly images: readonly GeneratedImage[];
}

/**
 * Attributes, each a property too: `src` a model, as loadGenerator takes it; `n` (1); `seed`, random if left out;
 * `label`; `temperature` (1); `columns`; `alt`, what the samples show; `engine`, as
 * loadGenerator takes it.
 *
 * Events: `load`, detail { manifest }; `sample`, detail { seed, images }; `error`, detail { error }. While it works, it
 * is `aria-busy`.
 */
export interface ImleSampleElement extends HTMLElement, Record<Attribute, string> {}

const STYLE = `
:host { display: inline-block; inline-size: 12rem; max-inline-size: 100%; vertical-align: top; }
:host([hidden]) { display: none; }
button { all: unset; display: block; inline-size: 100%; cursor: pointer; }
button:focus-visible { outline: 3px solid Highlight; outline-offset: 2px; }
canvas { display: block; inline-size: 100%; image-rendering: pixelated; }
p { margin: 0; padding: 0.75em; border: 1px solid; font: 0.875rem/1.4 system-ui, sans-serif; overflow-wrap: anywhere; }
[hidden] { display: none; }
`;

/** Registers the tag, once, where there are tags: neither in a worker nor on a server that draws pages. */
export function defineSampleElement(): void {
  if (typeof customElements === "undefined" || customElements.get(TAG)) return;

  class SampleElement extends HTMLElement {
    static readonly observedAttributes = ATTRIBUTES;

    readonly #button = document.createElement("button");
    readonly #canvas = document.createElement("canvas");
    readonly #message = document.createElement("p");
    #loan: Loan | null = null;
    #manifest: Manifest | null = null;
    /** Ends what is being drawn when something else is asked for. */
    #drawing = new AbortController();
    #isScheduled = false;

    constructor() {
      super();
      const root = this.attachShadow({ mode: "open", delegatesFocus: true });
      const style = new CSSStyleSheet();
      style.replaceSync(STYLE);
      root.adoptedStyleSheets = [style];
      this.#button.type = "button";
      this.#button.hidden = true;
      this.#button.append(this.#canvas);
      this.#button.addEventListener("click", () => this.setAttribute("seed", String(randomSeed())));
      this.#message.setAttribute("role", "status");
      root.append(this.#button, this.#message);
    }

    connectedCallback(): void {
      this.#schedule();
    }

    disconnectedCallback(): void {
      this.#drawing.abort();
      this.#release();
    }

    attributeChangedCallback(name: Attribute, before: string | null, after: string | null): void {
      if (before === after) return;
      if (name === "src" || name === "engine") this.#release();
      this.#schedule();
    }

    /** Attributes that are set together make one drawing. */
    #schedule(): void {
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      queueMicrotask(() => {
        this.#isScheduled = false;
        if (this.isConnected) void this.#draw();
      });
    }

    #release(): void {
      this.#loan?.giveBack();
      this.#loan = null;
      this.#manifest = null;
    }

    async #draw(): Promise<void> {
      this.#drawing.abort();
      const { signal } = (this.#drawing = new AbortController());
      this.setAttribute("aria-busy", "true");
      try {
        const generator = await this.#generator(signal);
        const { output } = generator.manifest;
        if (output.kind !== "image") {
          throw new EmbedError(
            "unsupported-model",
            `model "${generator.manifest.name}" draws vectors, not images; take them from loadGenerator`,
          );
        }
        const n = this.#number("n", 1);
        const seed = this.#number("seed", randomSeed());
        const temperature = this.#number("temperature", 1);
        const columns = this.#number("columns", Math.ceil(Math.sqrt(n)));
        if (!(Number.isSafeInteger(columns) && columns >= 1)) {
          throw new EmbedError("bad-parameter", `columns: expected a whole number from 1, got ${columns}`);
        }
        const label = this.getAttribute("label") ?? undefined;
        const images = await generator.sample({ n, seed, label, temperature, signal });
        signal.throwIfAborted();
        const pixels = new Uint8Array(await new Blob(images.map((image) => image.pixels)).arrayBuffer());
        paint(this.#canvas, imageGrid(pixels, n, output.shape, Math.min(columns, n)));
        this.#show(this.#description(n, seed, generator.manifest));
        this.#tell("sample", { seed, images } satisfies SampleEventDetail);
      } catch (error) {
        if (signal.aborted) return;
        this.#showMessage("alert", `No samples: ${(error as Error).message}`);
        this.#tell("error", { error });
      }
    }

    async #generator(signal: AbortSignal) {
      if (!this.#loan) {
        this.#showMessage("status", "Loading the model …");
        const engine = (this.getAttribute("engine") ?? undefined) as EngineChoice | undefined;
        this.#loan = borrowGenerator(this.getAttribute("src") ?? "/", engine, ({ loaded, total }) => {
          const percent = Math.floor((100 * loaded) / total);
          if (!this.#manifest) this.#showMessage("status", `Loading the model … ${percent} %`);
        });
      }
      const loan = this.#loan;
      const generator = await loan.generator.catch((error: unknown) => {
        // So that the next attribute that changes tries again.
        if (this.#loan === loan) this.#release();
        throw error;
      });
      signal.throwIfAborted();
      if (!this.#manifest) {
        this.#manifest = generator.manifest;
        this.#tell("load", { manifest: generator.manifest });
      }
      return generator;
    }

    #number(name: Attribute, otherwise: number): number {
      const text = this.getAttribute(name)?.trim();
      if (text === undefined) return otherwise;
      const value = text === "" ? Number.NaN : Number(text);
      if (Number.isFinite(value)) return value;
      throw new EmbedError("bad-parameter", `${name}: expected a number, got "${text}"`);
    }

    #description(n: number, seed: number, { name }: Manifest): string {
      const label = this.getAttribute("label");
      const what = this.getAttribute("alt") ?? `${n === 1 ? "A sample" : `${n} samples`} of ${name}`;
      return `${what}${label === null ? "" : `, ${label}`}, seed ${seed}. Draw others`;
    }

    #show(description: string): void {
      this.#button.setAttribute("aria-label", description);
      this.#button.hidden = false;
      this.#message.hidden = true;
      this.removeAttribute("aria-busy");
    }

    #showMessage(role: "status" | "alert", text: string): void {
      this.#message.setAttribute("role", role);
      this.#message.textContent = text;
      this.#message.hidden = false;
      this.#button.hidden = true;
      if (role === "alert") this.removeAttribute("aria-busy");
    }

    #tell(type: "load" | "sample" | "error", detail: object): void {
      this.dispatchEvent(new CustomEvent(type, { detail }));
    }
  }

  for (const name of ATTRIBUTES) {
    Object.defineProperty(SampleElement.prototype, name, {
      configurable: true,
      enumerable: true,
      get(this: HTMLElement) {
        return this.getAttribute(name) ?? "";
      },
      set(this: HTMLElement, value: unknown) {
        if (value === null || value === undefined) this.removeAttribute(name);
        else this.setAttribute(name, String(value));
      },
    });
  }
  customElements.define(TAG, SampleElement);
}
