/** Requests made up from the OpenAPI document: what it allows, what it almost allows, and what it doesn't. */

import fc from "fast-check";
import { encode } from "fast-png";
import { zlibSync } from "fflate";
import { encodeNpy } from "../shared/npy.ts";
import { hostileJson, JPEGS, pngChunk, pngHeader, pngOf } from "./hostile-bodies.ts";

export interface FuzzRequest {
  readonly method: string;
  /** From the first slash on, the query included. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer> | null;
}

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly (string | number)[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
}

export interface Operation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema: JsonSchema;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>> }>
  >;
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"];
const MEDIA_TYPES = ["application/json", "image/png", "image/jpeg", "application/x-npy"];

/** @param models names that are served, beside which others are asked for */
export function requestsOf(document: OpenApi, models: readonly string[]): fc.Arbitrary<FuzzRequest> {
  return fc.oneof(
    ...Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        arbitrary: requestsTo({ path, method, operation }, document, models),
        // What takes a body or parameters has more in it to find.
        weight: method === "post" ? 12 : path === "/sample" ? 6 : 1,
      })),
    ),
  );
}

function requestsTo(
  { path, method, operation }: { path: string; method: string; operation: Operation },
  document: OpenApi,
  models: readonly string[],
): fc.Arbitrary<FuzzRequest> {
  const schemaOf = (schema: JsonSchema) => resolve(document, schema);
  const parameters = (operation.parameters ?? [])
    .filter((parameter) => parameter.in === "query")
    .map(({ name, schema }) => queryValue(schemaOf(schema)).map((value) => value && `${name}=${value}`));
  const json = operation.requestBody?.content["application/json"];
  return fc
    .record({
      prefix: prefixes(models),
      segment: usually(
        fc.nat(400).map((index) => `${index}.png`),
        odd().map(encodeURIComponent),
      ),
      known: fc.tuple(...parameters),
      unknown: rarely(odd().map((value) => `${encodeURIComponent(value)}=${encodeURIComponent(value)}`)),
      raw: rarely(fc.string({ unit: "binary-ascii", maxLength: 20 }).map((text) => text.replaceAll("#", ""))),
      method: usually(fc.constant(method.toUpperCase()), fc.constantFrom(...METHODS)),
      headers: headers(),
      body: json
        ? bodies(json.schema, schemaOf)
        : rarely(fc.record({ type: fc.constantFrom(...MEDIA_TYPES), bytes: fc.uint8Array() })),
    })
    .map(({ prefix, segment, known, unknown, raw, method, headers, body }) => {
      const query = [...known, unknown, raw].filter((part) => part !== null).join("&");
      const mayHaveBody = method !== "GET" && method !== "HEAD";
      return {
        method,
        path: prefix + path.replace(/\{\w+\}/, segment) + (query && `?${query}`),
        headers: { ...(mayHaveBody && body ? { "content-type": body.type } : {}), ...headers },
        body: mayHaveBody && body ? new Uint8Array(body.bytes) : null,
      };
    });
}

export function resolve(document: OpenApi, schema: JsonSchema): JsonSchema {
  return schema.$ref ? document.components.schemas[schema.$ref.split("/").at(-1)!]! : schema;
}

const usually = <T>(common: fc.Arbitrary<T>, rare: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: common, weight: 10 }, { arbitrary: rare, weight: 1 });

const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: fc.constant(null), weight: 15 }, { arbitrary, weight: 1 });

function prefixes(models: readonly string[]): fc.Arbitrary<string> {
  return usually(
    fc.constantFrom("", "", ...models.map((name) => `/models/${name}`)),
    fc.oneof(
      fc.constantFrom("/models/nope", "/nope", "/"),
      fc.string().map((name) => `/models/${encodeURIComponent(name)}`),
    ),
  );
}

/** What people and scanners send where something else is expected. */
function odd(): fc.Arbitrary<string> {
  const known = [
    "",
    "0",
    "-1",
    "1e1",
    "1.5",
    "NaN",
    "null",
    "..",
    "../..",
    "%00",
    "\0",
    "😀",
    "'",
    "<b>",
    "__proto__",
  ];
  return fc.oneof(
    fc.constantFrom(...known, "9".repeat(400)),
    fc.string({ unit: "binary" }).map((text) => text.toWellFormed()),
  );
}

/** A query's value that the schema allows, or almost; or nothing. What may be any text is mostly wrong, so it is rare. */
function queryValue(schema: JsonSchema): fc.Arbitrary<string | null> {
  const { type, enum: values, minimum, maximum } = schema;
  if (type === "string" && !values)
    return rarely(fc.oneof(fc.stringMatching(/^[\da-f]{16}$/), odd().map(encodeURIComponent)));
  const right: fc.Arbitrary<string> = values
    ? fc.constantFrom(...values).map(String)
    : type === "integer"
      ? usually(
          fc.oneof(
            fc.integer({ min: minimum!, max: Math.min(maximum!, 8) }),
            fc.constantFrom(minimum!, maximum!),
          ),
          fc.oneof(fc.maxSafeInteger(), fc.constantFrom(minimum! - 1, maximum! + 1)),
        ).map(String)
      : fc.double({ min: minimum!, max: maximum! + 0.1, noNaN: true }).map((value) => value.toFixed(3));
  return fc.option(
    fc.oneof({ arbitrary: right, weight: 20 }, { arbitrary: odd().map(encodeURIComponent), weight: 1 }),
    { nil: null },
  );
}

function headers(): fc.Arbitrary<Record<string, string>> {
  const token = fc.stringMatching(/^[\x21-\x7e]{0,40}$/);
  const accept = fc.oneof(
    fc.constantFrom(
      "*/*",
      "application/json",
      "image/*;q=0.5, application/x-npy",
      "text/html",
      "image/png;q=0",
      ";;,",
    ),
    token,
  );
  return fc
    .record({
      accept: rarely(accept),
      "if-none-match": rarely(fc.oneof(token, fc.constant("*"))),
      "x-request-id": rarely(token),
      "content-encoding": rarely(fc.constantFrom("identity", "gzip", "br")),
      "content-type": rarely(
        fc.oneof(token, fc.constantFrom(...MEDIA_TYPES, "application/json; charset=utf-8", "text/plain")),
      ),
      origin: rarely(fc.webUrl()),
    })
    .map((all) =>
      Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== null)),
    );
}

interface Body {
  readonly type: string;
  readonly bytes: Uint8Array;
}

function bodies(schema: JsonSchema, schemaOf: (schema: JsonSchema) => JsonSchema): fc.Arbitrary<Body> {
  const json = usually(jsonOf(schema, schemaOf), fc.jsonValue()).map((value) => JSON.stringify(value));
  const texts = fc.oneof(
    { arbitrary: json, weight: 8 },
    { arbitrary: fc.constantFrom(...hostileJson(2000)), weight: 1 },
  );
  const kinds: Record<string, fc.Arbitrary<Uint8Array>> = {
    "application/json": texts.map((text) => new TextEncoder().encode(text)),
    "image/png": fc.oneof(pngs(), oddPngs()),
    "image/jpeg": jpegs(),
    "application/x-npy": fc.oneof(npys(), oddNpys()),
  };
  return fc.oneof(
    ...Object.entries(kinds).map(([type, bytes]) =>
      fc.record({
        type: usually(fc.constant(type), fc.constantFrom(...MEDIA_TYPES)),
        bytes: usually(bytes, mutated(bytes)),
      }),
    ),
  );
}

function jsonOf(schema: JsonSchema, schemaOf: (schema: JsonSchema) => JsonSchema): fc.Arbitrary<unknown> {
  const {
    type,
    enum: values,
    minimum,
    maximum,
    items,
    properties,
    required = [],
    anyOf,
    oneOf,
  } = schemaOf(schema);
  const alternatives = anyOf ?? oneOf;
  if (alternatives) return fc.oneof(...alternatives.map((one) => jsonOf(one, schemaOf)));
  if (values) return fc.constantFrom(...values);
  if (type === "array") {
    const item = jsonOf(items!, schemaOf);
    // The lengths of the served models' examples, and others.
    const length = fc.constantFrom(784, 144, 2, 0, 1, 783);
    return fc
      .tuple(length, fc.array(item, { minLength: 1, maxLength: 40 }))
      .map(([length, some]) => Array.from({ length }, (_, i) => some[i % some.length]));
  }
  if (type === "object") {
    const fields = Object.entries(properties!).map(([name, one]) => [
      name,
      usually(jsonOf(one, schemaOf), fc.jsonValue()),
    ]);
    return fc.record(Object.fromEntries(fields), { requiredKeys: [...required] as never[] });
  }
  if (type === "integer")
    return usually(fc.integer({ min: minimum ?? 0, max: maximum ?? 1000 }), fc.integer());
  if (type === "number") return fc.double({ min: minimum ?? -1e6, max: maximum ?? 1e6, noNaN: true });
  return fc.string();
}

/** Bytes that were cut off, flipped, overwritten or repeated on their way. */
function mutated(bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> {
  const at = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
  const change = fc.oneof(
    fc.record({ kind: fc.constant("cut" as const), at }),
    fc.record({ kind: fc.constant("flip" as const), at, bit: fc.nat(7) }),
    fc.record({
      kind: fc.constant("set" as const),
      at,
      values: fc.uint8Array({ minLength: 1, maxLength: 4 }),
    }),
    fc.record({ kind: fc.constant("repeat" as const), at, length: fc.nat(64) }),
  );
  return fc.tuple(bytes, fc.array(change, { minLength: 1, maxLength: 4 })).map(([original, changes]) => {
    let result = Uint8Array.from(original);
    for (const one of changes) {
      const position = Math.floor(one.at * result.length);
      if (one.kind === "cut") result = result.slice(0, position);
      else if (one.kind === "flip" && result.length > 0) result[position]! ^= 1 << one.bit;
      else if (one.kind === "set") result.set(one.values.subarray(0, result.length - position), position);
      else if (one.kind === "repeat") {
        const piece = result.subarray(position, position + one.length);
        result = Uint8Array.from([...result.subarray(0, position), ...piece, ...result.subarray(position)]);
      }
    }
    return result;
  });
}

const sizes = fc.constantFrom([28, 28], [6, 8], [28, 28], [1, 1], [28, 27]);

function pngs(): fc.Arbitrary<Uint8Array> {
  return fc
    .record({ size: sizes, channels: fc.constantFrom(1, 2, 3, 4), value: fc.nat(255) })
    .map(({ size: [width, height], channels, value }) =>
      encode({
        width: width!,
        height: height!,
        channels,
        data: new Uint8Array(width! * height! * channels).fill(value),
      }),
    );
}

/** Chunks in any order with right checksums, and a header that may claim anything. */
function oddPngs(): fc.Arbitrary<Uint8Array> {
  const header = fc
    .record({
      size: fc.oneof(sizes, fc.constantFrom([0, 0], [30_000, 30_000], [2 ** 31 - 1, 1])),
      depth: fc.constantFrom(1, 2, 4, 8, 16, 3, 0, 255),
      colour: fc.constantFrom(0, 2, 3, 4, 6, 1, 7),
      interlace: fc.constantFrom(0, 0, 1, 2),
    })
    .map(({ size: [width, height], depth, colour, interlace }) =>
      pngHeader(width!, height!, { depth, colour, interlace }),
    );
  const pixels = fc
    .record({ length: fc.nat(7000), value: fc.nat(255) })
    .map(({ length, value }) => pngChunk("IDAT", zlibSync(new Uint8Array(length).fill(value))));
  const other = fc
    .record({
      type: fc.constantFrom("IDAT", "PLTE", "tRNS", "IEND", "gAMA", "iCCP", "zTXt", "acTL"),
      data: fc.uint8Array({ maxLength: 800 }),
    })
    .map(({ type, data }) => pngChunk(type, data));
  return fc
    .tuple(header, fc.array(fc.oneof(pixels, pixels, other, header), { maxLength: 6 }))
    .map(([first, rest]) => pngOf(first, ...rest));
}

function jpegs(): fc.Arbitrary<Uint8Array> {
  return fc.constantFrom(...Object.values(JPEGS));
}

function npys(): fc.Arbitrary<Uint8Array> {
  const shape = fc.constantFrom<number[]>([28, 28, 1], [28, 28], [8, 6, 3], [2], [1, 784]);
  return fc
    .tuple(
      shape,
      fc.constantFrom(Uint8Array, Float32Array, Float64Array, Int32Array),
      fc.constantFrom(0, 0.5, -3, 300, Number.NaN),
    )
    .map(([shape, ArrayType, value]) => {
      const count = shape.reduce((product, size) => product * size, 1);
      return encodeNpy({ shape, values: new ArrayType(count).fill(value) as Float32Array<ArrayBuffer> });
    });
}

/** Headers that lie, or are none. */
function oddNpys(): fc.Arbitrary<Uint8Array> {
  return fc
    .record({
      version: fc.constantFrom(1, 2, 3, 0, 9),
      descr: fc.constantFrom("<f4", "|u1", ">f4", "<f8", "<i8", "|O", "<U9999"),
      shape: fc.oneof(
        fc.constantFrom("(28, 28)", "(1000000, 1000000)", "(-1,)", "()", "(9007199254740992, 2)", "[[[["),
        fc.string({ maxLength: 12 }),
      ),
      length: fc.oneof(fc.constant(null), fc.nat(65_535)),
      data: fc.uint8Array({ maxLength: 4000 }),
    })
    .map(({ version, descr, shape, length, data }) => {
      const header = new TextEncoder().encode(
        `{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }\n`,
      );
      const claimed = length ?? header.length;
      const preamble = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0, claimed & 255, claimed >> 8];
      if (version > 1) preamble.push(0, 0);
      return Uint8Array.from([...preamble, ...header, ...data]);
    });
}
