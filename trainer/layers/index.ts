import type { LayerSpec } from "../../shared/manifest.ts";
import { conv } from "./conv.ts";
import { convTranspose } from "./conv-transpose.ts";
import { dense } from "./dense.ts";
import type { LayerKind, SpecOf } from "./layer.ts";
import { reshape } from "./reshape.ts";
import { upsample } from "./upsample.ts";

/** Every kind of layer, by the name that a manifest uses. */
const LAYERS: { readonly [Kind in LayerSpec["kind"]]: LayerKind<SpecOf<Kind>> } = {
  dense,
  reshape,
  conv,
  "conv-transpose": convTranspose,
  upsample,
};

/** What a layer of this kind is. */
export function layerKind(spec: LayerSpec): LayerKind<LayerSpec> {
  return LAYERS[spec.kind] as LayerKind<LayerSpec>;
}
