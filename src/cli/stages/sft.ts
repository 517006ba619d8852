// `sft`: the cold start. A scripted teacher plays training tasks through the ordinary agent loop and real Python, or a file
// brings dialogues (`sft.data`); either is trained on like any trajectory, loss on the model's own tokens only.
import { datumFromSegments, type Datum } from "../../core/datum.ts";
import { randomStream } from "../../core/random.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { Task } from "../../core/task.ts";
import type { ScoredTrajectory } from "../../core/trajectory.ts";
import { evaluateTrajectories, type EvaluationReport } from "../../learning/evaluate.ts";
import { formatReport } from "../../learning/formatReport.ts";
import { stepsOfEpochs } from "../../learning/supervised.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { RunDirectory } from "../../runs/runDirectory.ts";
import { stepName } from "../../runs/trajectoryStore.ts";
import type { DialogueFile } from "../../tasks/formats/shareGptFile.ts";
import { evaluateHeldOut } from "./heldOut.ts";
import { reproducibilityOf } from "./reproducibility.ts";
import { openLife, type StageContext, type StageLife } from "./runLife.ts";
import { dialogueDatums, type DialoguePosition, openSftData } from "./sftDialogues.ts";
import { runSupervised, type SupervisedResult } from "./supervised.ts";
import { engineRecord } from "./trainingEngine.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

/** Demonstrations played together. */
const CHUNK = 64;

/** What the stage remembers beside the engine. */
interface SftState {
  /** Of dialogues: where the data stands, and the evaluation before the first step. */
  readonly dialogues?: { readonly position: DialoguePosition; readonly before: EvaluationReport };
}

interface Sft {
  readonly bench: Workbench;
  readonly config: ResolvedConfig;
  readonly run: RunDirectory;
  readonly reporter: Reporter;
  readonly life: StageLife<SftState>;
}

/** Fine-tunes `sft.init`. @returns the folder of the weights. */
export async function runSft(
  config: ResolvedConfig,
  run: RunDirectory,
  reporter: Reporter,
  { stop }: StageContext = {},
): Promise<string> {
  const dialogues = openSftData(config);
  const bench = await openWorkbench(config, config.sft.init, "sft.init", reporter);
  try {
    const life = await openLife<SftState>({
      ...{ stage: "sft", run, reporter, stop },
      cadence: config.sft,
    });
    if (life.from !== undefined) await bench.engine.loadState(life.from.dir);
    const sft = { bench, config, run, reporter, life };
    const dir = await (dialogues === undefined
      ? trainOnDemonstrations(sft)
      : trainOnDialogues(sft, dialogues));
    await life.close();
    return dir;
  } finally {
    await bench.close();
  }
}

async function trainOnDialogues(sft: Sft, dialogues: DialogueFile): Promise<string> {
  const { bench, config, reporter, life } = sft;
  const { codec, template } = bench;
  const total = dialogues.dialogues.length;
  reporter.info(`${total} dialogues of ${dialogues.path}`);
  const saved = life.from?.state.dialogues;
  const lessons = dialogueDatums(dialogues, config, codec, template, reporter, saved?.position);
  const before =
    saved?.before ??
    (await evaluateHeldOut(bench, config, "before SFT", reporter, { check: life.check })).report;
  const state = (): SftState => ({ dialogues: { position: lessons.position(), before } });
  await life.saveStart(bench.engine, state());
  const trained = await train(sft, { data: lessons.data, dialogues: total, state });
  reporter.print(
    `the policy on held-out tasks before and after SFT\n${formatReport(before, trained.heldOut)}`,
  );
  writeSummary(sft, trained, {
    dialogues: { file: dialogues.path, count: total, tooLong: lessons.position().tooLong.length },
    before: { overall: before.overall, kinds: before.kinds },
  });
  return trained.dir;
}

/** The demonstrations of a run that goes on are played again: the teacher says the same again. */
async function trainOnDemonstrations(sft: Sft): Promise<string> {
  const { bench, config, run, reporter, life } = sft;
  const demonstrations = await demonstrate(bench, config, reporter, life.check);
  run.trajectories.save(
    stepName("demonstrations", 0),
    groupsOf(demonstrations),
    config.logging.trajectoriesPerStep,
  );
  const done = (life.from?.step ?? 0) * config.sft.batchSize;
  const trained = await train(sft, {
    data: shuffledDatums(demonstrations, config, bench, done),
    dialogues: demonstrations.length,
    state: () => ({}),
  });
  const taught = evaluateTrajectories(demonstrations, bench.world.isNumeric);
  reporter.print(
    `the teacher's demonstrations (before) and the policy on held-out tasks (after)\n${formatReport(taught, trained.heldOut)}`,
  );
  writeSummary(sft, trained, { demonstrations: taught.overall });
  return trained.dir;
}

interface Lessons {
  /** Behind what the steps so far have seen. */
  readonly data: Iterable<Datum> | AsyncIterable<Datum>;
  /** Of one epoch; the learning rate's schedule counts them all. */
  readonly dialogues: number;
  readonly state: () => SftState;
}

type Trained = SupervisedResult & { readonly heldOut: EvaluationReport };

/** Trains on every epoch of the data, then evaluates. */
async function train(
  { bench, config, run, reporter, life }: Sft,
  { data, dialogues, state }: Lessons,
): Promise<Trained> {
  const steps = stepsOfEpochs(dialogues, config.sft);
  const supervised = await runSupervised({
    ...{ stage: "sft", config, engine: bench.engine, data, run, reporter, life, state },
    options: { ...config.sft, steps },
    save: (folder) => bench.saveResult(folder, { optimizer: false }),
  });
  const { report, trajectories } = await evaluateHeldOut(bench, config, "after SFT", reporter, {
    check: life.check,
  });
  run.trajectories.save(
    stepName("evaluation", steps),
    groupsOf(trajectories),
    config.logging.trajectoriesPerStep,
  );
  return { ...supervised, heldOut: report };
}

function writeSummary({ config, run, life }: Sft, { heldOut, tracked }: Trained, lessons: object): void {
  run.writeSummary({
    stage: "sft",
    engine: engineRecord(config),
    ...reproducibilityOf(config),
    ...lessons,
    heldOut: { overall: heldOut.overall, kinds: heldOut.kinds },
    resumed: life.resumed,
    ...tracked,
  });
}

/** Demonstrations of the first tasks of the training split; RL starts behind them. */
async function demonstrate(
  bench: Workbench,
  config: ResolvedConfig,
  reporter: Reporter,
  check: () => void,
): Promise<ScoredTrajectory[]> {
  const { demonstrations: count } = config.sft;
  const source = bench.tasks("train");
  const progress = reporter.start("demonstrations", count, "episodes");
  const played: ScoredTrajectory[] = [];
  for (let start = 0; start < count; start += CHUNK) {
    check();
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

/** @param done datums to leave out, those that the run has trained on */
function* shuffledDatums(
  demonstrations: readonly ScoredTrajectory[],
  config: ResolvedConfig,
  bench: Workbench,
  done: number,
): Generator<Datum> {
  let position = 0;
  for (let epoch = 0; epoch < config.sft.epochs; epoch++)
    for (const { segments } of randomStream(config.seed, "sft", epoch).shuffle(demonstrations))
      if (position++ >= done) yield datumFromSegments(segments, 0, bench.codec.imagePadId);
}

export function groupsOf(
  trajectories: readonly ScoredTrajectory[],
): { readonly trajectories: ScoredTrajectory[] }[] {
  return trajectories.map((trajectory) => ({ trajectories: [trajectory] }));
}
