// `train`: reinforcement learning from `model.init`, with the same held-out evaluation before and after, and the run's
// story in its directory: metrics, some trajectories of each step, curves, summary. A run that was killed goes on where it was.
import type { Reporter } from "../../core/reporter.ts";
import type { RlLoopState } from "../../learning/rlLoop.ts";
import { initialRlState } from "../../learning/rlLoop.ts";
import type { ResolvedConfig } from "../../runs/config.ts";
import type { RunDirectory } from "../../runs/runDirectory.ts";
import { openTrackers, outcomeOf, trackerRecord } from "../../runs/trackers/trackers.ts";
import { runColdStart } from "./coldStart.ts";
import { warnIfNotReproducible } from "./reproducibility.ts";
import { openLife, type StageContext } from "./runLife.ts";
import { type Judged, sumOfJudged, TrainEvaluations, type TrainEvaluationState } from "./trainEvaluations.ts";
import { learn } from "./trainSteps.ts";
import { finishTraining } from "./trainSummary.ts";
import { openWorkbench } from "./workbench.ts";

/** What the stage remembers beside the engine. */
interface TrainState {
  readonly loop: RlLoopState;
  readonly evaluations: TrainEvaluationState;
  readonly trainingSeconds: number;
  /** What the judge was asked. */
  readonly judge?: Judged;
}

/** @returns the folder of the final weights. */
export async function runTrain(
  config: ResolvedConfig,
  run: RunDirectory,
  reporter: Reporter,
  { fromScratch = false, stop }: StageContext = {},
): Promise<string> {
  const init = fromScratch ? await runColdStart(config, run, reporter, stop) : config.model.init;
  if (fromScratch)
    run.writeConfig({ ...config, model: { ...config.model, ...(init !== undefined && { init }) } });
  warnIfNotReproducible(config, reporter, "train");
  const bench = await openWorkbench(config, init, "model.init", reporter);
  try {
    const life = await openLife<TrainState>({
      ...{ stage: "train", run, reporter, stop },
      cadence: config.train,
    });
    const { from } = life;
    if (from !== undefined) await bench.engine.loadState(from.dir);
    const trackers = openTrackers(config, run, reporter, { stage: "train", resumeFrom: from?.step ?? 0 });
    try {
      const evaluations = new TrainEvaluations(
        { bench, config, reporter, check: life.check },
        from?.state.evaluations,
      );
      const before = await evaluations.before();
      const startedAt = performance.now();
      const trainingSeconds = (): number =>
        (from?.state.trainingSeconds ?? 0) + (performance.now() - startedAt) / 1000;
      const judged = (): Judged | undefined => sumOfJudged(from?.state.judge, bench.judged());
      const stateAfter = (loop: RlLoopState): TrainState => {
        const judge = judged();
        return {
          loop,
          evaluations: evaluations.state(),
          trainingSeconds: trainingSeconds(),
          ...(judge !== undefined && { judge }),
        };
      };
      await life.saveStart(bench.engine, stateAfter(initialRlState));
      await learn({
        ...{ bench, config, run, reporter, trackers },
        from: from?.state.loop ?? initialRlState,
        stepDone: async (loop) => {
          await evaluations.during(loop.step);
          await life.stepDone(bench.engine, loop.step, config.train.steps, () => stateAfter(loop));
        },
      });
      const seconds = trainingSeconds();
      const dir = await life.saveFinal((folder) => bench.saveResult(folder, { optimizer: true }));
      const after = await evaluations.at(config.train.steps);
      await evaluations.store(run, init);
      const tracked = trackerRecord(await trackers.finish("finished"));
      const { python } = bench;
      const judge = judged();
      const { resumed } = life;
      const heldOut = evaluations.results();
      const outcome = {
        init,
        python,
        judge,
        before,
        after,
        heldOut,
        trainingSeconds: seconds,
        resumed,
        tracked,
      };
      finishTraining(config, run, reporter, outcome);
      await life.close();
      return dir;
    } catch (error) {
      await trackers.finish(outcomeOf(error));
      throw error;
    }
  } finally {
    await bench.close();
  }
}
