// Runs for tests and benchmarks, written with the program's own writers: groups go through the real selection, and what
// it says is logged as `pyvision train` logs it. Only the policy is made up.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { randomStream } from "../core/random.ts";
import type { RgbImage } from "../core/image.ts";
import type { ScoredTrajectory, Segment, Turn, TrajectoryGroup } from "../core/trajectory.ts";
import { rolloutMetrics } from "../learning/rolloutMetrics.ts";
import { rolloutStep, type SelectionOptions } from "../learning/selection.ts";
import { appendMetrics } from "../runs/metrics.ts";
import { appendStrategy, strategyLogName, strategyStep } from "../runs/strategyLog.ts";
import { openTrajectoryStore, stepName } from "../runs/trajectoryStore.ts";

export interface TestRunOptions {
  readonly groups: number;
  readonly members: number;
  /** As logging.trajectoriesPerStep. */
  readonly stored: number;
  /** Calls per trajectory at a step; 1.5 throughout by default. */
  readonly callsAt?: (step: number) => number;
  /** Questions in turn; a few harmless ones by default. */
  readonly questions?: readonly string[];
  /** Put into reasoning, code, output and answers. */
  readonly text?: string;
  readonly config?: string;
}

const kinds = ["look", "search", "compare", "count"];
const questionsOf = [
  "What colour is the bead at the bottom left?",
  "One place has a bead. What colour is it?",
  "Are the beads at the top left and the top right the same colour?",
  "How many places have a bead?",
];

export interface TestRun {
  readonly dir: string;
  /** Writes the next step: metrics, trajectories and strategy, in the order of the program. */
  step(): Promise<void>;
  /** The evaluation after so many steps: `count` tasks, one trajectory each, the same tasks every time. */
  evaluation(step: number, count: number): void;
  finish(): void;
}

export function startTestRun(dir: string, options: TestRunOptions): TestRun {
  const { groups, members, stored, callsAt = () => 1.5 } = options;
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, "config.yaml"),
    options.config ??
      `name: test\nseed: 0\nlogging:\n  trajectoriesPerStep: ${stored}\ntrain:\n  steps: 500\n`,
  );
  const store = openTrajectoryStore(join(dir, "trajectories"));
  const selection: SelectionOptions = {
    trainGroups: Math.ceil(groups / 2),
    genBatch: groups,
    groupSize: members,
    maxGenBatches: 1,
    ranking: "group",
    filters: {
      keepEndReasons: ["answered"],
      broken: "drop",
      zeroVariance: { accuracy: true, total: true, tolerance: 1e-6 },
    },
    advantage: { baseline: "totalReward", normalizeByStd: false },
  };
  let step = 0;
  return {
    dir,
    step: async () => {
      step++;
      const calls = callsAt(step);
      const drawn = Array.from({ length: groups }, (_, g) =>
        testGroup(options, `train-${step}-${g}`, members, calls),
      );
      const rolled = await rolloutStep(
        selection,
        { draw: (n) => Array.from({ length: n }, () => task), rollout: async () => drawn },
        `train/${step}`,
      );
      appendMetrics(join(dir, "metrics.jsonl"), {
        step,
        ...rolloutMetrics(rolled),
        "time/step_s": 2 + (step % 5) / 10,
      });
      const name = stepName("train", step);
      const count = store.save(name, drawn, stored);
      appendStrategy(
        join(dir, strategyLogName),
        strategyStep(step, rolled, selection.filters, { name, count }),
      );
    },
    evaluation: (after, count) => {
      const all = Array.from({ length: count }, (_, i) => testGroup(options, `test-${i}`, 1, after / 2));
      store.save(stepName("evaluation", after), all);
    },
    finish: () => writeFileSync(join(dir, "summary.json"), "{}\n"),
  };
}

const task = { id: "", kind: "", question: "", answer: "", images: [] };

function testGroup(
  { questions = questionsOf, text = "" }: TestRunOptions,
  taskId: string,
  members: number,
  calls: number,
): TrajectoryGroup {
  const random = randomStream(7, taskId, 0);
  const n = random.below(questions.length);
  const common = {
    taskId,
    taskKind: kinds[n % kinds.length] as string,
    question: questions[n] as string,
    groundTruth: `green${text}`,
  };
  const chance = random.next();
  const picture = pictureOf(random.below(6));
  const trajectories = Array.from({ length: members }, (_, member): ScoredTrajectory => {
    const done = Math.max(0, Math.round(calls + 2 * random.next() - 1));
    const undecided = random.next() < 0.02;
    const broken = random.next() < 0.05;
    const right = !broken && random.next() < chance * 1.3 - 0.15;
    const raised = random.next() < 0.15;
    const turns = turnsOf(done, raised, text, picture);
    return {
      ...common,
      member,
      segments: segmentsOf(turns, picture, random.next()),
      turns,
      endReason: { type: broken ? "noAction" : "answered" },
      ...(!broken && { answer: `${right ? "green" : "red"}${text}` }),
      toolCalls: done,
      effectiveToolCalls: Math.min(done, 2),
      reward: {
        total: right ? 1 + 0.1 * done : 0,
        accuracy: undecided ? undefined : right ? 1 : 0,
        toolCall: right ? 0.1 * done : 0,
      },
    };
  });
  return { taskId, taskKind: common.taskKind, trajectories };
}

function turnsOf(calls: number, raised: boolean, text: string, picture: RgbImage): Turn[] {
  const code = `# look closer${text}\nfor x in range(3):\n    plt.imshow(image_clue_0.crop((x, 0, 28, 28)))\nprint("done")`;
  const ran = Array.from({ length: calls + (raised ? 1 : 0) }, (_, i): Turn => {
    const fails = raised && i === 0;
    return {
      text: `I look at part ${i + 1}.${text}<code>\n\`\`\`python\n${code}\n\`\`\`\n</code>`,
      action: { type: "code", code },
      tool: {
        outcome: fails
          ? {
              type: "pythonError",
              errorType: "NameError",
              message: "x",
              traceback: `Traceback (most recent call last):\nNameError: x${text}`,
            }
          : { type: "ok" },
        alive: true,
        stdout: fails ? "" : `done${text}\n`,
        figures: fails ? [] : [picture],
        elapsedMs: 31,
      },
      tokenCount: 4,
      stop: "stop",
    };
  });
  const answer: Turn = {
    text: `I see it.${text}<answer>\\boxed{green${text}}</answer>`,
    action: { type: "answer", answer: `green${text}` },
    tokenCount: 4,
    stop: "stop",
  };
  return [...ran, answer];
}

function segmentsOf(turns: readonly Turn[], picture: RgbImage, luck: number): Segment[] {
  const image: Segment = {
    type: "image",
    source: "prompt",
    image: { pixels: picture, grid: [1, 4, 6], tokenCount: 6 },
  };
  const after = turns.flatMap((turn): Segment[] => [
    { type: "sampled", tokens: [10, 11, 12, 13], logprobs: [-0.01, -luck, -3 * luck, -6 * luck] },
    ...(turn.tool === undefined
      ? []
      : ([
          { type: "text", source: "observation", tokens: [5] },
          ...(turn.tool.figures.length > 0 ? [{ ...image, source: "observation" } as const] : []),
        ] satisfies Segment[])),
  ]);
  return [{ type: "text", source: "prompt", tokens: [1, 2, 3] }, image, ...after];
}

const pictures = new Map<number, RgbImage>();

/** 84 × 56 pixels: a disc on a ground, in one of six colours. */
function pictureOf(n: number): RgbImage {
  const known = pictures.get(n);
  if (known !== undefined) return known;
  const [width, height] = [84, 56];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const inside = (x - 50) ** 2 + (y - 26) ** 2 < 196;
      const at = 3 * (y * width + x);
      data.set(inside ? [(n * 53) % 256, (n * 97 + 80) % 256, 200] : [120 + (x % 9), 118 + (y % 7), 112], at);
    }
  const made = { width, height, data };
  pictures.set(n, made);
  return made;
}
