// Whether a run comes out the same twice. Every trajectory draws from a random stream of its own, so what remains is the
// order in which the sampler adds numbers up: fixed under `lockstep`, a matter of timing under `eager`. (A program that is
// stopped by its own time limit depends on the machine under both.)
import { availableParallelism } from "node:os";
import type { Reporter } from "../../core/reporter.ts";
import type { ResolvedConfig } from "../../runs/config.ts";

export type Reproducibility =
  | {
      readonly reproducible: true;
      /** Of the engine; another number rounds differently. */
      readonly threads: number;
    }
  | {
      readonly reproducible: false;
      readonly reason: string;
      /** 0 when the engine is not on this machine. */
      readonly threads: number;
    };

/** What summary.json says. */
export function reproducibilityOf({
  agent,
  engine,
}: Pick<ResolvedConfig, "agent" | "engine">): Reproducibility {
  if (engine.type === "openai")
    return { reproducible: false, reason: "engine.type is openai: a server computes the turns", threads: 0 };
  const threads = engine.threads === 0 ? availableParallelism() : engine.threads;
  if (agent.schedule === "lockstep") return { reproducible: true, threads };
  return {
    reproducible: false,
    reason:
      "agent.schedule is eager: which sequences are computed together depends on how long their Python took, and so " +
      "does the rounding of their probabilities",
    threads,
  };
}

const warned = new WeakSet<Reporter>();

/** Once for each reporter, which is once a command. */
export function warnIfNotReproducible(
  config: Pick<ResolvedConfig, "agent" | "engine">,
  reporter: Reporter,
): void {
  const told = reproducibilityOf(config);
  if (told.reproducible || warned.has(reporter)) return;
  warned.add(reporter);
  reporter.warn(`this run cannot be reproduced bit for bit: ${told.reason}; agent.schedule=lockstep can`);
}
