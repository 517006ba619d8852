// 16-bit floats to and from Float32Array: IEEE half precision (F16) and bfloat16 (the upper half of a float32).
// Narrowing rounds to nearest, ties to even, as every numerics library does.

const scratch = new Float32Array(1);
const scratchBits = new Uint32Array(scratch.buffer);
let halfTable: Float32Array | undefined;

export function halfToFloat(bits: Uint16Array): Float32Array {
  const table = (halfTable ??= buildHalfTable());
  const out = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = table[bits[i] as number] as number;
  return out;
}

export function bfloatToFloat(bits: Uint16Array): Float32Array {
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = (bits[i] as number) << 16;
  return new Float32Array(out.buffer);
}

export function floatToBfloat(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    scratch[0] = values[i] as number;
    const b = scratchBits[0] as number;
    const isNaN = (b & 0x7fffffff) > 0x7f800000;
    out[i] = isNaN ? (b >>> 16) | 0x40 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16;
  }
  return out;
}

export function floatToHalf(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    scratch[0] = value;
    const sign = ((scratchBits[0] as number) >>> 16) & 0x8000;
    out[i] = sign | halfMagnitude(Math.abs(value));
  }
  return out;
}

/** The 15 lower bits of the half nearest to x >= 0. Exponent and mantissa are one integer, so a carry just works. */
function halfMagnitude(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  if (x >= 65520) return 0x7c00;
  const exponent = Math.max(-14, Math.floor(Math.log2(x)));
  const unit = 2 ** (exponent - 10);
  return (exponent + 14) * 1024 + roundTiesToEven(x / unit);
}

function roundTiesToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

function buildHalfTable(): Float32Array {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) table[bits] = fraction === 0 ? sign * Infinity : NaN;
    else
      table[bits] = sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
  }
  return table;
}
