// Training and sampling of the carried mini policy on batches like those of its RL steps.
import { datumFromSegments } from "../src/core/datum.ts";
import { randomStream } from "../src/core/random.ts";
import type { Segment } from "../src/core/trajectory.ts";
import { EmbeddedEngine } from "../src/engines/embedded/embeddedEngine.ts";
import { type Benchmark, watchMachine } from "./report.ts";
import { timeRounds } from "./rounds.ts";

const CHECKPOINT = new URL("../checkpoints/image-mini/sft", import.meta.url).pathname;

export const benchEngine: Benchmark = {
  async run({ quick, reporter }) {
    const machine = watchMachine();
    const engine = await EmbeddedEngine.load(CHECKPOINT);
    const random = randomStream("bench");
    const text = (n: number): number[] => Array.from({ length: n }, () => random.below(256));
    const image = (width: number, height: number): Segment => {
      const data = Uint8Array.from({ length: width * height * 3 }, () => random.below(256));
      return { type: "image", source: "prompt", image: engine.codec.viewImage({ width, height, data }) };
    };
    // A prompt with the first view, two looks of 42 tokens with their figures, and an answer: about 220 tokens.
    const trajectory = (): Segment[] => [
      { type: "text", source: "prompt", tokens: text(30) },
      image(112, 84),
      ...[0, 1].flatMap((): Segment[] => [
        { type: "sampled", tokens: text(42), logprobs: text(42).map(() => -1) },
        { type: "text", source: "observation", tokens: text(19) },
        image(84, 84),
      ]),
      { type: "sampled", tokens: text(14), logprobs: text(14).map(() => -1) },
    ];
    const data = Array.from({ length: 32 }, () =>
      datumFromSegments(trajectory(), 1, engine.codec.imagePadId),
    );
    const tokens = data.reduce((n, d) => n + d.tokens.length, 0);
    let call = 0;
    const sample = (rows: number) => ({
      name: `sample 64 tokens, batch ${rows}`,
      units: rows * 64,
      unit: "tokens",
      run: async () => {
        const requests = Array.from({ length: rows }, (_, i) => ({
          sequenceId: `bench${call}-${i}`,
          segments: trajectory().slice(0, 2),
          params: { maxNewTokens: 64, temperature: 1, topP: 1, topK: 0, stopStrings: ["\u0000"] },
          random: randomStream("bench", i),
        }));
        call++;
        await engine.sample(requests);
        for (const { sequenceId } of requests) engine.release(sequenceId);
      },
    });
    const train = {
      name: `forward and backward, 32 x ${data[0]?.tokens.length ?? 0} tokens`,
      units: tokens,
      unit: "tokens",
      run: async () => {
        await engine.forwardBackward(data, { type: "ppo", clipLow: 0.2, clipHigh: 0.2 });
      },
    };
    const rounds = quick ? 2 : 5;
    const progress = reporter.start("engine", rounds + 1, "rounds");
    try {
      const rows = await timeRounds([train, sample(1), sample(16), sample(64)], rounds, progress);
      const facts = { policy: `image-mini/sft, ${engine.parameterCount.toLocaleString("en")} parameters` };
      return { machine: machine(), facts, rows, bars: [], notes: [] };
    } finally {
      progress.end();
      await engine.dispose();
    }
  },
};
