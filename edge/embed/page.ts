/** The embed as pages see it: generators from a script, or by the tag `<imle-sample>`. */

import { defineSampleElement } from "./sample-element.ts";

export type { Manifest } from "../../shared/manifest.ts";
export type { OnProgress } from "./bundle-files.ts";
export { EmbedError, type EmbedErrorCode } from "./embed-error.ts";
export type { DrawingEngine, EngineChoice } from "./engine-choice.ts";
export type { GeneratedImage } from "./images.ts";
export {
  type DrawOptions,
  type LoadedGenerator,
  type LoadOptions,
  loadGenerator,
  type Sample,
  type SampleOptions,
} from "./load-generator.ts";
export type { Point } from "./path-inputs.ts";
export type { ImleSampleElement, SampleEventDetail } from "./sample-element.ts";

defineSampleElement();
