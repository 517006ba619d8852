import assert from "node:assert/strict";
import { test } from "node:test";
import { type Frame, ProtocolViolation } from "./frames.ts";
import { answers, parseCellReply } from "./reply.ts";

const LIMITS = {
  callTimeoutMs: 30,
  maxOutputBytes: 10,
  maxFileBytes: 1000,
  maxFiguresPerCall: 2,
  maxFigurePixels: 6,
};
const OK = { id: 1, nonce: "n", outcome: { type: "ok" }, stdout: "hi", figures: [] as unknown, last: false };

function parse(changes: object, payload: number[] = []): ReturnType<typeof parseCellReply> {
  return parseCellReply({ header: { ...OK, ...changes }, payload: Buffer.from(payload) }, LIMITS);
}

test("figures are cut out of the payload in order, each with bytes of its own", () => {
  const { figures } = parse({ figures: [[2, 1], [1, 1]] }, [1, 2, 3, 4, 5, 6, 7, 8, 9]); // prettier-ignore
  assert.deepEqual(figures, [
    { width: 2, height: 1, data: Uint8Array.from([1, 2, 3, 4, 5, 6]) },
    { width: 1, height: 1, data: Uint8Array.from([7, 8, 9]) },
  ]);
  assert.equal(figures[1]?.data.buffer.byteLength, 3);
});

test("every outcome a worker may claim; limits are the host's, not the worker's", () => {
  const outcome = (value: object): object => parse({ outcome: value }).outcome;
  assert.deepEqual(outcome({ type: "timeout", limitMs: 1e9 }), { type: "timeout", limitMs: 30 });
  assert.deepEqual(outcome({ type: "outputLimit" }), { type: "outputLimit", limitBytes: 1000 });
  assert.deepEqual(outcome({ type: "outOfMemory" }), { type: "outOfMemory" });
  const error = { type: "pythonError", errorType: "E", message: "m", traceback: "t" };
  assert.deepEqual(outcome({ ...error, extra: 1 }), error);
});

test("text is made well-formed: lone surrogates and NUL become U+FFFD", () => {
  assert.equal(parse({ stdout: "a\ud800b\0c\ud83d\ude00" }).stdout, "a\ufffdb\ufffdc\u{1f600}");
});

const BROKEN: readonly [string, object, number[]?][] = [
  ["no outcome", { outcome: undefined }],
  ["an outcome the worker cannot know", { outcome: { type: "killed", reason: "x" } }],
  ["an outcome that is a list", { outcome: [] }],
  ["an error without traceback", { outcome: { type: "pythonError", errorType: "E", message: "m" } }],
  ["stdout of another type", { stdout: 7 }],
  ["stdout far over its limit", { stdout: "x".repeat(4 * 10 + 1025) }],
  ["figures of another type", { figures: { length: 0 } }],
  ["too many figures", { figures: [[1, 1], [1, 1], [1, 1]] }, [1, 2, 3, 4, 5, 6, 7, 8, 9]], // prettier-ignore
  ["a figure with too many pixels", { figures: [[7, 1]] }, Array.from({ length: 21 }, () => 0)],
  ["a side that is not whole", { figures: [[1.5, 2]] }, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ["sides below 1", { figures: [[-1, -1]] }, [1, 2, 3]],
  ["sides whose product overflows", { figures: [[2 ** 53, 2 ** 53]] }],
  ["a side that is a text", { figures: [["1", 1]] }, [1, 2, 3]],
  ["a payload too short", { figures: [[2, 1]] }, [1, 2, 3]],
  ["a payload too long", { figures: [[1, 1]] }, [1, 2, 3, 4]],
  ["a payload without figures", {}, [1]],
];
for (const [name, changes, payload] of BROKEN)
  test(`refused: ${name}`, () => assert.throws(() => parse(changes, payload), ProtocolViolation));

test("headers that are no object at all are refused too", () => {
  for (const header of [null, 3, "x", [], [OK]])
    assert.throws(() => parseCellReply({ header, payload: Buffer.alloc(0) }, LIMITS), ProtocolViolation);
});

test("a reply answers a request only with its id and its nonce", () => {
  const frame = (header: unknown): Frame => ({ header, payload: Buffer.alloc(0) });
  assert.equal(answers(frame({ id: 1, nonce: "n" }), 1, "n"), true);
  assert.equal(answers(frame({ id: 2, nonce: "n" }), 1, "n"), false);
  assert.equal(answers(frame({ id: 1, nonce: "m" }), 1, "n"), false);
  assert.equal(answers(frame({ id: "1", nonce: "n" }), 1, "n"), false);
  assert.equal(answers(frame(null), 1, "n"), false);
});
