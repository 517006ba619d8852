// Bicubic resampling with Pillow's numbers, bit for bit: the policy must see the very pixels Transformers would feed it.
// Two separable passes with 8-bit rounding between them; when shrinking, the kernel is widened by the scale so that
// nothing aliases. Coefficients are 22-bit fixed point, as in Pillow's 8-bit path. The horizontal pass comes first, as in
// torchvision and in Pillow 11.3; Pillow 12.3 may swap the passes when the width grows and the height shrinks. The parity
// suite (engines/embedded/parity) compares all of them.
import type { RgbImage } from "../../core/image.ts";

const precisionBits = 22;
const half = 1 << (precisionBits - 1);

/** For each output position: the first input sample, and its stretch of `coefficients`. */
interface Kernel {
  readonly firsts: Int32Array;
  readonly counts: Int32Array;
  /** Row i starts at i * stride. */
  readonly coefficients: Int32Array;
  readonly stride: number;
}

/** Resamples to exactly width x height pixels; an axis that keeps its size is left untouched. */
export function resizeBicubic(image: RgbImage, width: number, height: number): RgbImage {
  let result = image;
  if (width !== result.width) result = resizeHorizontally(result, width);
  if (height !== result.height) result = resizeVertically(result, height);
  return result;
}

function resizeHorizontally(image: RgbImage, width: number): RgbImage {
  const { firsts, counts, coefficients, stride } = bicubicKernel(image.width, width);
  const input = image.data;
  const out = new Uint8Array(width * image.height * 3);
  let to = 0;
  for (let y = 0; y < image.height; y++) {
    const rowStart = y * image.width * 3;
    for (let x = 0; x < width; x++) {
      let at = rowStart + (firsts[x] as number) * 3;
      let r = half;
      let g = half;
      let b = half;
      const start = x * stride;
      const end = start + (counts[x] as number);
      for (let k = start; k < end; k++, at += 3) {
        const c = coefficients[k] as number;
        r = (r + Math.imul(c, input[at] as number)) | 0;
        g = (g + Math.imul(c, input[at + 1] as number)) | 0;
        b = (b + Math.imul(c, input[at + 2] as number)) | 0;
      }
      out[to++] = toByte(r);
      out[to++] = toByte(g);
      out[to++] = toByte(b);
    }
  }
  return { width, height: image.height, data: out };
}

function resizeVertically(image: RgbImage, height: number): RgbImage {
  const { firsts, counts, coefficients, stride } = bicubicKernel(image.height, height);
  const input = image.data;
  const rowBytes = image.width * 3;
  const out = new Uint8Array(rowBytes * height);
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    const count = counts[y] as number;
    for (let k = 0; k < count; k++) {
      const c = coefficients[y * stride + k] as number;
      const row = ((firsts[y] as number) + k) * rowBytes;
      for (let x = 0; x < rowBytes; x++)
        sums[x] = ((sums[x] as number) + Math.imul(c, input[row + x] as number)) | 0;
    }
    const to = y * rowBytes;
    for (let x = 0; x < rowBytes; x++) out[to + x] = toByte(sums[x] as number);
  }
  return { width: image.width, height, data: out };
}

function toByte(sum: number): number {
  const value = sum >> precisionBits;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function bicubicKernel(inSize: number, outSize: number): Kernel {
  const scale = inSize / outSize;
  const filterScale = Math.max(scale, 1);
  const support = 2 * filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const firsts = new Int32Array(outSize);
  const counts = new Int32Array(outSize);
  const coefficients = new Int32Array(outSize * stride);
  const weights = new Float64Array(stride);
  for (let i = 0; i < outSize; i++) {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(inSize, Math.trunc(center + support + 0.5)) - first;
    const inverse = 1 / filterScale;
    let total = 0;
    for (let k = 0; k < count; k++) {
      const weight = bicubic((k + first - center + 0.5) * inverse);
      weights[k] = weight;
      total += weight;
    }
    firsts[i] = first;
    counts[i] = count;
    for (let k = 0; k < count; k++) {
      const scaled = ((weights[k] as number) / total) * (1 << precisionBits);
      coefficients[i * stride + k] = Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
  }
  return { firsts, counts, coefficients, stride };
}

/** Keys' cubic convolution with a = -0.5. */
function bicubic(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}
