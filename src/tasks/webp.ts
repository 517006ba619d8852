// WebP by libwebp as WebAssembly (@jsquash/webp). Each picture gets an instance of its own: what a damaged file could write
// over lies within it, and its memory, which WebAssembly never gives back, goes with it. The module of the package is taken
// without its wrapper, which fetches it by URL and only answers later.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { RgbImage } from "../core/image.ts";
import { checkWebp } from "./mediaBounds.ts";
import factory from "@jsquash/webp/codec/dec/webp_dec.js";

interface Decoder {
  /** RGBA, or null for what it cannot read. */
  decode(bytes: Uint8Array): { width: number; height: number; data: Uint8ClampedArray } | null;
}

interface Options {
  readonly noInitialRun: true;
  readonly print: (text: string) => void;
  readonly printErr: (text: string) => void;
  instantiateWasm(imports: object, done: (instance: WasmInstance) => void): object;
}

interface WasmInstance {
  readonly exports: object;
}

/** What is needed of WebAssembly: its types come with those of browsers only. */
const { Module, Instance } = (
  globalThis as unknown as {
    WebAssembly: {
      Module: new (bytes: Uint8Array) => object;
      Instance: new (module: object, imports: object) => WasmInstance;
    };
  }
).WebAssembly;

let compiled: object | undefined;

export function isWebp(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, 12)).toString("latin1");
  return head.startsWith("RIFF") && head.slice(8) === "WEBP";
}

/**
 * Lossy and lossless; transparency is left in.
 * @returns width and height, and data in RGBA
 * @throws TooLarge, or Error when it is damaged or moves
 */
export function decodeWebp(bytes: Uint8Array, maxPixels: number): RgbImage {
  const size = checkWebp(bytes, maxPixels);
  const decoded = withImageData(() => decoder().decode(bytes));
  if (decoded === null) throw new Error("libwebp cannot read it");
  if (decoded.width !== size.width || decoded.height !== size.height)
    throw new Error(
      `it has ${decoded.width}×${decoded.height} pixels, its header says ${size.width}×${size.height}`,
    );
  return { ...size, data: new Uint8Array(decoded.data.buffer, decoded.data.byteOffset, decoded.data.length) };
}

/** The module is filled before the promise that its factory returns is settled. */
function decoder(): Decoder {
  compiled ??= new Module(
    readFileSync(fileURLToPath(import.meta.resolve("@jsquash/webp/codec/dec/webp_dec.wasm"))),
  );
  const wasm = compiled;
  const nothing = (): void => {};
  const options: Options & Partial<Decoder> = {
    noInitialRun: true,
    print: nothing,
    printErr: nothing,
    instantiateWasm(imports, done) {
      const instance = new Instance(wasm, imports);
      done(instance);
      return instance.exports;
    },
  };
  const ready = (factory as unknown as (options: Options) => Promise<unknown>)(options);
  ready.catch(nothing);
  if (options.decode === undefined) throw new Error("internal: libwebp is not ready once it is instantiated");
  return options as Decoder;
}

/** The module makes a global class `ImageData` where there is none: gone again afterwards, since its presence says "browser". */
function withImageData<T>(work: () => T): T {
  const had = "ImageData" in globalThis;
  try {
    return work();
  } finally {
    if (!had) delete (globalThis as { ImageData?: unknown }).ImageData;
  }
}
