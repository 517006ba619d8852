// `sft`: the cold start. A scripted teacher plays training tasks through the ordinary agent loop and real Python, or a file
// brings dialogues (`sft.data`); either is trained on like any trajectory, loss on the model's own tokens only.
import { datumFromSegments, type Datum } from "../../core/datum.ts";
import { randomStream } from "../../core/random.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { Task } from "../../core/task.ts";
import type { ScoredTrajectory } from "../../core/trajectory.ts";
import { evaluateTrajectories, type EvaluationReport } from "../../learning/evaluate.ts";
import { formatReport } from "../../learning/formatReport.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { RunDirectory } from "../../runs/runDirectory.ts";
import { stepName } from "../../runs/trajectoryStore.ts";
import { evaluateHeldOut } from "./heldOut.ts";
import { dialogueDatums, openSftData } from "./sftDialogues.ts";
import { reproducibilityOf } from "./reproducibility.ts";
import { runSupervised, type SupervisedResult } from "./supervised.ts";
import { engineRecord } from "./trainingEngine.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

/** Demonstrations played together. */
const CHUNK = 64;

/** Fine-tunes `sft.init`. @returns the folder of the weights. */
export async function runSft(config: ResolvedConfig, run: RunDirectory, reporter: Reporter): Promise<string> {
  const dialogues = openSftData(config);
  const bench = await openWorkbench(config, config.sft.init, "sft.init", reporter);
  try {
    if (dialogues === undefined) return await trainOnDemonstrations(bench, config, run, reporter);
    const { codec, template } = bench;
    reporter.info(`${dialogues.dialogues.length} dialogues of ${dialogues.path}`);
    const { data, tooLong } = dialogueDatums(dialogues, config, codec, template, reporter);
    const total = dialogues.dialogues.length;
    const { report: before } = await evaluateHeldOut(bench, config, "before SFT", reporter);
    const { dir, heldOut, tracked } = await train(bench, config, run, reporter, { data, dialogues: total });
    reporter.print(`the policy on held-out tasks before and after SFT\n${formatReport(before, heldOut)}`);
    run.writeSummary({
      stage: "sft",
      engine: engineRecord(config),
      ...reproducibilityOf(config),
      dialogues: { file: dialogues.path, count: total, tooLong: tooLong() },
      before: { overall: before.overall, kinds: before.kinds },
      heldOut: { overall: heldOut.overall, kinds: heldOut.kinds },
      ...tracked,
    });
    return dir;
  } finally {
    await bench.close();
  }
}

async function trainOnDemonstrations(
  bench: Workbench,
  config: ResolvedConfig,
  run: RunDirectory,
  reporter: Reporter,
): Promise<string> {
  const demonstrations = await demonstrate(bench, config, reporter);
  run.trajectories.save(
    stepName("demonstrations", 0),
    groupsOf(demonstrations),
    config.logging.trajectoriesPerStep,
  );
  const data = shuffledDatums(demonstrations, config, bench);
  const { dir, heldOut, tracked } = await train(bench, config, run, reporter, {
    data,
    dialogues: demonstrations.length,
  });
  const taught = evaluateTrajectories(demonstrations, bench.world.isNumeric);
  reporter.print(
    `the teacher's demonstrations (before) and the policy on held-out tasks (after)\n${formatReport(taught, heldOut)}`,
  );
  run.writeSummary({
    stage: "sft",
    engine: engineRecord(config),
    ...reproducibilityOf(config),
    demonstrations: taught.overall,
    heldOut: { overall: heldOut.overall, kinds: heldOut.kinds },
    ...tracked,
  });
  return dir;
}

interface Lessons {
  readonly data: Iterable<Datum> | AsyncIterable<Datum>;
  /** Of one epoch; the learning rate's schedule counts them all. */
  readonly dialogues: number;
}

/** Trains on every epoch of the data, then evaluates. */
async function train(
  bench: Workbench,
  config: ResolvedConfig,
  run: RunDirectory,
  reporter: Reporter,
  { data, dialogues }: Lessons,
): Promise<Pick<SupervisedResult, "dir" | "tracked"> & { readonly heldOut: EvaluationReport }> {
  const { epochs, batchSize } = config.sft;
  const steps = Math.ceil((dialogues * epochs) / batchSize);
  const { dir, tracked } = await runSupervised({
    ...{ stage: "sft", config, engine: bench.engine, data, run, reporter },
    options: { ...config.sft, steps },
    save: (folder) => bench.saveResult(folder, { optimizer: false }),
  });
  const { report, trajectories } = await evaluateHeldOut(bench, config, "after SFT", reporter);
  run.trajectories.save(
    stepName("evaluation", steps),
    groupsOf(trajectories),
    config.logging.trajectoriesPerStep,
  );
  return { dir, heldOut: report, tracked };
}

/** Demonstrations of the first tasks of the training split; RL starts behind them. */
async function demonstrate(
  bench: Workbench,
  config: ResolvedConfig,
  reporter: Reporter,
): Promise<ScoredTrajectory[]> {
  const { demonstrations: count } = config.sft;
  const source = bench.tasks("train");
  const progress = reporter.start("demonstrations", count, "episodes");
  const played: ScoredTrajectory[] = [];
  for (let start = 0; start < count; start += CHUNK) {
    const tasks = Array.from({ length: Math.min(CHUNK, count - start) }, (_, i) => source.at(start + i));
    // Sequence ids end with the number of the episode in this collection.
    const sampler = bench.world.teacher({
      codec: bench.codec,
      taskOf: (sequenceId) => tasks[Number(sequenceId.slice(sequenceId.lastIndexOf("/") + 1))] as Task,
      randomOf: (task) => randomStream(config.seed, "teacher", task.id),
    });
    const sampling = { temperature: 1, topP: 1, topK: 0 };
    const groups = await bench.rollout({
      tasks,
      n: 1,
      label: "teacher",
      sampling,
      sampler,
      onProgress: () => progress.advance(),
    });
    played.push(...groups.flatMap((group) => group.trajectories));
  }
  progress.end();
  const broken = played.filter((t) => t.endReason.type !== "answered");
  if (broken.length > 0)
    reporter.warn(
      `${broken.length} demonstrations ended as ${broken[0]?.endReason.type} instead of an answer; left out`,
    );
  return played.filter((t) => t.endReason.type === "answered");
}

function* shuffledDatums(
  demonstrations: readonly ScoredTrajectory[],
  config: ResolvedConfig,
  bench: Workbench,
): Generator<Datum> {
  for (let epoch = 0; epoch < config.sft.epochs; epoch++)
    for (const { segments } of randomStream(config.seed, "sft", epoch).shuffle(demonstrations))
      yield datumFromSegments(segments, 0, bench.codec.imagePadId);
}

export function groupsOf(
  trajectories: readonly ScoredTrajectory[],
): { readonly trajectories: ScoredTrajectory[] }[] {
  return trajectories.map((trajectory) => ({ trajectories: [trajectory] }));
}
