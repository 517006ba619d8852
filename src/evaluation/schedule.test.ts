// Every answer is asked for until it is recorded, whatever kills come between; chunks stay the chunks they are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { randomStream } from "../core/random.ts";
import { askInOrder, type ScheduleOptions, type Unit } from "./schedule.ts";

const units = Array.from({ length: 50 }, (_, position): Unit => ({ position, repeat: 0 }));

interface Played {
  readonly asked: readonly number[][];
  readonly recorded: ReadonlySet<number>;
}

/** Runs until `lives` answers were recorded, as often as it takes. */
async function play(inChunks: boolean, lives: readonly number[]): Promise<Played> {
  const recorded = new Set<number>();
  const asked: number[][] = [];
  for (const life of [...lives, Infinity]) {
    let left = life;
    const options: ScheduleOptions = {
      units,
      concurrent: 4,
      inChunks,
      isKnown: ({ position }) => recorded.has(position),
      ask: async (some) => {
        asked.push(some.map(({ position }) => position));
        await new Promise((resolve) => setImmediate(resolve));
        for (const { position } of some) {
          if (left-- <= 0) throw new Error("killed");
          recorded.add(position);
        }
      },
      check: () => undefined,
      onKnown: () => undefined,
    };
    await askInOrder(options).catch((error: unknown) => assert.equal((error as Error).message, "killed"));
  }
  return { asked, recorded };
}

test("in chunks: one of which anything is missing is asked whole, and no other", async () => {
  const { asked, recorded } = await play(true, [6, 9, 3]);
  assert.equal(recorded.size, 50);
  for (const chunk of asked) {
    assert.equal((chunk[0] ?? 1) % 4, 0);
    assert.equal(chunk.length, chunk[0] === 48 ? 2 : 4);
  }
  // 4 and 2 of the second; then the second, the third and 1 of the fourth; then 3 of the fourth, which is asked once more.
  assert.deepEqual(
    asked.slice(0, 7).map(([first]) => first),
    [0, 4, 4, 8, 12, 12, 12],
  );
});

test("one by one: what is recorded is never asked again, over random kills", async () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = randomStream(seed, "kills");
    const { asked, recorded } = await play(false, [
      1 + random.below(20),
      1 + random.below(20),
      1 + random.below(20),
    ]);
    assert.equal(recorded.size, 50);
    // Four workers have an answer each under way when they are killed: three times four are asked again at most.
    assert.ok(asked.length <= 62, `${asked.length} questions`);
  }
});

test("a check that throws ends it, after what is under way", async () => {
  let checks = 0;
  const done: number[] = [];
  const stopped = askInOrder({
    units,
    concurrent: 3,
    inChunks: false,
    isKnown: () => false,
    ask: async ([unit]) => {
      await new Promise((resolve) => setImmediate(resolve));
      done.push(unit?.position ?? -1);
    },
    check: () => {
      if (++checks > 3) throw new Error("stop");
    },
    onKnown: () => undefined,
  });
  await assert.rejects(stopped, /stop/);
  assert.deepEqual(done, [0, 1, 2]);
});
