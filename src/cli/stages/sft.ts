// `sft`: the cold start. A scripted teacher plays training tasks through the ordinary agent loop and real Python; what
// comes out is trained on like any trajectory, loss on the model's own tokens only.
import { datumFromSegments, type Datum } from "../../core/datum.ts";
import { randomStream } from "../../core/random.ts";
import type { Reporter } from "../../core/reporter.ts";
import type { Task } from "../../core/task.ts";
import type { ScoredTrajectory } from "../../core/trajectory.ts";
import { evaluateTrajectories } from "../../learning/evaluate.ts";
import { formatReport } from "../../learning/formatReport.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { RunDirectory } from "../../runs/runDirectory.ts";
import { stepName } from "../../runs/trajectoryStore.ts";
import { evaluateHeldOut } from "./heldOut.ts";
import { reproducibilityOf } from "./reproducibility.ts";
import { runSupervised } from "./supervised.ts";
import { openWorkbench, type Workbench } from "./workbench.ts";

/** Demonstrations played together. */
const CHUNK = 64;

/** Fine-tunes `sft.init`. @returns the folder of the weights. */
export async function runSft(config: ResolvedConfig, run: RunDirectory, reporter: Reporter): Promise<string> {
  const bench = await openWorkbench(config, config.sft.init, "sft.init", reporter);
  try {
    const demonstrations = await demonstrate(bench, config, reporter);
    run.trajectories.save(
      stepName("demonstrations", 0),
      groupsOf(demonstrations),
      config.logging.trajectoriesPerStep,
    );
    const { epochs, batchSize } = config.sft;
    const steps = Math.ceil((demonstrations.length * epochs) / batchSize);
    const stage = {
      stage: "sft",
      engine: bench.engine,
      data: shuffledDatums(demonstrations, config, bench),
      run,
    } as const;
    const dir = await runSupervised({ ...stage, options: { ...config.sft, steps }, reporter });
    const { report, trajectories } = await evaluateHeldOut(bench, config, "after SFT", reporter);
    run.trajectories.save(
      stepName("evaluation", steps),
      groupsOf(trajectories),
      config.logging.trajectoriesPerStep,
    );
    const taught = evaluateTrajectories(demonstrations, bench.world.isNumeric);
    reporter.print(
      `the teacher's demonstrations (before) and the policy on held-out tasks (after)\n${formatReport(taught, report)}`,
    );
    run.writeSummary({
      stage: "sft",
      ...reproducibilityOf(config),
      demonstrations: taught.overall,
      heldOut: { overall: report.overall, kinds: report.kinds },
    });
    return dir;
  } finally {
    await bench.close();
  }
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
