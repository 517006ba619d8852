// The one picture type that crosses room borders: decoded 8-bit RGB. Compressed bytes are decoded at the edge (task
// loading, `pyvision exec`), so that nothing downstream ever decodes data that model-written code produced.

/** Row-major 8-bit RGB pixels; `data.length === width * height * 3`. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}
