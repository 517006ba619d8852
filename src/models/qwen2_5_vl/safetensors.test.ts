import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { DataError } from "../../core/errors.ts";
import { readCheckpoint } from "./checkpoint.ts";
import { readSafetensors, writeSafetensors, type StoredTensor } from "./safetensors.ts";

let dir = "";
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "safetensors-"));
});
after(() => rm(dir, { recursive: true }));

function rawFile(header: string, data: Uint8Array): Uint8Array {
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(Buffer.byteLength(header)));
  return Buffer.concat([prefix, Buffer.from(header), data]);
}

test("the file is byte for byte what the format says: widest first, then by name, header padded to 8", async () => {
  const path = join(dir, "literal.safetensors");
  await writeSafetensors(path, [
    ["b", { shape: [2], data: Float32Array.of(1, -2) }],
    ["c", { shape: [], data: BigInt64Array.of(-1n) }],
    ["a", { shape: [1, 1], data: Int32Array.of(7) }],
  ]);
  const json =
    '{"__metadata__":{"format":"pt"},"c":{"dtype":"I64","shape":[],"data_offsets":[0,8]},' +
    '"a":{"dtype":"I32","shape":[1,1],"data_offsets":[8,12]},"b":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}';
  const padded = json.padEnd(Math.ceil(json.length / 8) * 8);
  const data = Buffer.from("ffffffffffffffff" + "07000000" + "0000803f" + "000000c0", "hex");
  assert.deepEqual(Buffer.from(await readFile(path)), Buffer.from(rawFile(padded, data)));
  assert.deepEqual(await readdir(dir), ["literal.safetensors"]); // no temporary file left
});

test("all types come back, half types as float32 rounded to nearest even", async () => {
  const path = join(dir, "types.safetensors");
  const values = Float32Array.of(1, -0.1, 65504, 65520, 1e-7, 3e-8, 2 ** -24, 2049, 2051, -Infinity, NaN);
  const tensors: [string, StoredTensor][] = [
    ["f32", { dtype: "F32", shape: [11], data: values }],
    ["f16", { dtype: "F16", shape: [11], data: values }],
    ["bf16", { dtype: "BF16", shape: [11], data: values }],
    ["empty", { dtype: "F32", shape: [0, 3], data: new Float32Array() }],
  ];
  await writeSafetensors(path, tensors, { note: "x" });
  const read = await readSafetensors(path);
  assert.deepEqual(read.metadata, { note: "x" });
  assert.deepEqual(read.tensors.get("f32"), tensors[0]?.[1]);
  assert.deepEqual(read.tensors.get("empty"), tensors[3]?.[1]);
  // numpy: np.float32([...]).astype(np.float16).astype(np.float32)
  const f16 = [
    1,
    -0.0999755859375,
    65504,
    Infinity,
    2 ** -23,
    2 ** -24,
    2 ** -24,
    2048,
    2052,
    -Infinity,
    NaN,
  ];
  f16[4] = 2 * 2 ** -24; // 1e-7 lies between 1 and 2 steps of 2^-24 = 5.96e-8, nearer 2
  f16[5] = 2 ** -24; // 3e-8 is just over half a step
  assert.deepEqual(read.tensors.get("f16"), { dtype: "F16", shape: [11], data: Float32Array.from(f16) });
  // bfloat16 keeps 8 bits of mantissa: -0.1 -> 0xbdcd, 65504 and 65520 -> 65536, 2049 and 2051 -> 2048
  const bf16 = [...(read.tensors.get("bf16")?.data as Float32Array)];
  assert.deepEqual([bf16[0], bf16[1], bf16[2], bf16[3]], [1, -0.10009765625, 65536, 65536]);
  assert.deepEqual([bf16[7], bf16[8], bf16[9], bf16[10]], [2048, 2048, -Infinity, NaN]);
});

test("every float16 survives the way through float32", async () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const path = join(dir, "half.safetensors");
  const header = '{"x":{"dtype":"F16","shape":[65536],"data_offsets":[0,131072]}}';
  await writeFile(path, rawFile(header, new Uint8Array(bits.buffer)));
  const { tensors } = await readSafetensors(path);
  await writeSafetensors(path, tensors);
  const bytes = await readFile(path);
  const back = new Uint16Array(new Uint8Array(bytes.subarray(bytes.length - 131072)).buffer);
  const isNaN16 = (b: number): boolean => (b & 0x7fff) > 0x7c00;
  assert.equal(
    back.findIndex((b, i) => b !== i && !(isNaN16(i) && isNaN16(b))),
    -1,
  );
});

const damaged: readonly [what: string, header: string, dataBytes: number, message: RegExp][] = [
  ["not JSON", "{x", 0, /not JSON/],
  ["a list", "[]", 0, /must be a JSON object/],
  ["unknown type", '{"a":{"dtype":"F8","shape":[1],"data_offsets":[0,1]}}', 1, /tensor "a": dtype/],
  ["negative shape", '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', 4, /shape must be/],
  [
    "fractional offset",
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0.5,4.5]}}',
    5,
    /data_offsets must be/,
  ],
  [
    "size",
    '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}',
    4,
    /takes 8 bytes, but data_offsets span 4/,
  ],
  [
    "past the end",
    '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}',
    4,
    /take 8 bytes, but the file holds 4/,
  ],
  [
    "data left over",
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
    8,
    /take 4 bytes, but the file holds 8/,
  ],
  [
    "overlap",
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}',
    6,
    /"b" starts at byte 2 and overlaps/,
  ],
  ["gap", '{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', 8, /leaves a gap/],
  ["metadata", '{"__metadata__":{"a":1}}', 0, /map strings to strings/],
];
for (const [what, header, dataBytes, message] of damaged)
  test(`a damaged header is refused: ${what}`, async () => {
    const path = join(dir, "damaged.safetensors");
    await writeFile(path, rawFile(header, new Uint8Array(dataBytes)));
    await assert.rejects(
      readSafetensors(path),
      (e) => e instanceof DataError && e.message.startsWith(path) && message.test(e.message),
    );
  });

test("truncated and missing files are refused", async () => {
  const path = join(dir, "short.safetensors");
  await writeFile(path, rawFile("{}", new Uint8Array()).subarray(0, 9));
  await assert.rejects(readSafetensors(path), /header of 2 bytes does not fit a file of 9/);
  await assert.rejects(readSafetensors(join(dir, "none")), DataError);
});

test("writing refuses shapes and types that do not fit, and leaves the old file", async () => {
  const path = join(dir, "kept.safetensors");
  await writeSafetensors(path, [["a", { shape: [1], data: Float32Array.of(1) }]]);
  const old = await readFile(path);
  await assert.rejects(
    writeSafetensors(path, [["a", { shape: [3], data: Float32Array.of(1) }]]),
    /holds 3 values, but data has 1/,
  );
  await assert.rejects(
    writeSafetensors(path, [["a", { dtype: "F32", shape: [1], data: Int32Array.of(1) }]]),
    /Int32Array cannot be written as F32/,
  );
  assert.deepEqual(await readFile(path), old);
});

test("a sharded checkpoint is read through its index", async () => {
  const folder = await mkdtemp(join(dir, "shards-"));
  const shard = (name: string, value: number): Promise<void> =>
    writeSafetensors(join(folder, `${name}.safetensors`), [
      [name, { shape: [1], data: Float32Array.of(value) }],
    ]);
  await shard("x", 1);
  await shard("y", 2);
  const index = (map: object): Promise<void> =>
    writeFile(join(folder, "model.safetensors.index.json"), JSON.stringify({ weight_map: map }));
  await index({ x: "x.safetensors", y: "y.safetensors" });
  const tensors = await readCheckpoint(folder);
  assert.deepEqual(
    [...tensors].map(([name, { data }]) => [name, [...data]]),
    [
      ["x", [1]],
      ["y", [2]],
    ],
  );
  await index({ z: "x.safetensors" });
  await assert.rejects(readCheckpoint(folder), /should hold "z"/);
  await index({ x: "../x.safetensors" });
  await assert.rejects(readCheckpoint(folder), /must be a file name in the same folder/);
  await assert.rejects(readCheckpoint(dir), /holds neither model.safetensors nor/);
});
