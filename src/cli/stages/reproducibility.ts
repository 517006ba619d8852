// Whether a run comes out the same twice. Every trajectory draws from a random stream of its own, so what remains is the
// order in which the sampler adds numbers up: fixed under `lockstep`, a matter of timing under `eager`. (A program that is
// stopped by its own time limit depends on the machine under both.)
import { availableParallelism } from "node:os";
import type { Reporter } from "../../core/reporter.ts";
import type { ResolvedConfig } from "../../runs/config.ts";

export type Reproducibility =
  | {
      readonly reproducible: true;
      /** Of the engine; another number rounds differently. 0 when the engine is not in this process. */
      readonly threads: number;
      /** What it rests on beside this recipe. */
      readonly provided?: string;
    }
  | {
      readonly reproducible: false;
      readonly reason: string;
      /** 0 when the engine is not in this process. */
      readonly threads: number;
    };

type Config = Pick<ResolvedConfig, "agent" | "engine" | "train">;

/** What the stage does beside sampling: only `train` collects in the background. */
type Stage = "train" | undefined;

/** Whether batches that come in a fixed order are computed in a fixed order. */
export function computesInOrder(engine: ResolvedConfig["engine"]): boolean {
  return engine.type === "embedded" || (engine.type === "tinker" && engine.dialect === "pyvision");
}

/** What summary.json says. */
export function reproducibilityOf(config: Config, stage?: Stage): Reproducibility {
  const { engine } = config;
  const threads =
    engine.type !== "embedded" ? 0 : engine.threads === 0 ? availableParallelism() : engine.threads;
  const obstacle = obstacleOf(config, stage);
  if (obstacle !== undefined) return { reproducible: false, reason: obstacle.reason, threads };
  if (engine.type === "embedded") return { reproducible: true, threads };
  return { reproducible: true, threads, provided: SERVER_PROVIDED };
}

const SERVER_PROVIDED =
  "the server has the same number of threads, serves nobody else meanwhile, and gathers each batch whole";

interface Obstacle {
  readonly reason: string;
  /** A setting under which it would be reproducible. */
  readonly remedy?: string;
}

function obstacleOf({ agent, engine, train }: Config, stage: Stage): Obstacle | undefined {
  if (engine.type === "openai") return { reason: "engine.type is openai: a server computes the turns" };
  if (!computesInOrder(engine))
    return {
      reason: `engine.dialect is ${"dialect" in engine ? engine.dialect : ""}: the server computes the turns, in batches of its own`,
    };
  if (stage === "train" && train.maxStaleness > 0)
    return {
      reason:
        `train.maxStaleness is ${train.maxStaleness}: which weights sample which turn depends on how long everything took, ` +
        "and so does which groups a step gets",
      remedy: "train.maxStaleness=0",
    };
  if (agent.schedule === "lockstep") return undefined;
  return {
    reason:
      "agent.schedule is eager: which sequences are computed together depends on how long their Python took, and so " +
      "does the rounding of their probabilities",
    remedy: "agent.schedule=lockstep",
  };
}

const warned = new WeakSet<Reporter>();

/** Once for each reporter, which is once a command. */
export function warnIfNotReproducible(config: Config, reporter: Reporter, stage?: Stage): void {
  const obstacle = obstacleOf(config, stage);
  if (obstacle === undefined || warned.has(reporter)) return;
  warned.add(reporter);
  const remedy = obstacle.remedy === undefined ? "" : `; ${obstacle.remedy} can`;
  reporter.warn(`this run cannot be reproduced bit for bit: ${obstacle.reason}${remedy}`);
}
