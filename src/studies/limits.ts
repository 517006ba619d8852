// How many runs fit side by side. Two runs that share cores slow one another by more than half (threads of ONNX Runtime spin
// while they wait), so cores are counted, never oversubscribed; and a run that finds no memory is killed by the system.
import { availableParallelism, freemem } from "node:os";

export interface Machine {
  readonly cores: number;
  /** Bytes that new processes can have. */
  readonly memoryBytes: number;
}

/** Trainer and its Python sessions together: of configs/image-mini.yaml 1.2 GB were measured (shared pages once), and some to spare. */
export const RUN_BYTES = 1.5e9;

export function thisMachineNow(): Machine {
  // Knows the limit of a container, which freemem does not; Node 20.19 has it.
  const available = typeof process.availableMemory === "function" ? process.availableMemory() : freemem();
  return { cores: availableParallelism(), memoryBytes: available };
}

/** @param threads of one run, 1 or more. @returns 1 or more */
export function parallelRuns({ cores, memoryBytes }: Machine, threads: number, runs: number): number {
  const byCores = Math.floor(cores / threads);
  const byMemory = Math.floor(memoryBytes / RUN_BYTES);
  return Math.max(1, Math.min(byCores, byMemory, runs));
}
