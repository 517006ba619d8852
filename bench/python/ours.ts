// Our runtime with its default options, as a rollout calls it.
import type { RgbImage } from "../../src/core/image.ts";
import { startPythonRuntime } from "../../src/sandbox/forkServer.ts";
import type { Isolation, PythonRuntime, PythonSession } from "../../src/sandbox/runtime.ts";
import { childrenOf, treeCpuSeconds } from "./processes.ts";
import type { Batch, Call, Closing, Side } from "./side.ts";

const ROLLOUTS_PER_PICTURE = 8;

export class Ours implements Side<PythonSession> {
  private constructor(
    readonly runtime: PythonRuntime,
    readonly startMs: number,
    readonly picture: RgbImage,
    readonly ticksPerSecond: number,
    /** Children of this program that are not the runtime's. */
    readonly others: readonly number[],
  ) {}

  static async launch(picture: RgbImage, ticksPerSecond: number): Promise<Ours> {
    const others = childrenOf(process.pid);
    const startedAt = performance.now();
    const runtime = await startPythonRuntime();
    return new Ours(runtime, performance.now() - startedAt, picture, ticksPerSecond, others);
  }

  get isolation(): Isolation {
    return this.runtime.isolation;
  }

  async start(code: string): Promise<{ session: PythonSession; ms: number }> {
    const image = { ...this.picture }; // sessions share the file of an object
    const startedAt = performance.now();
    const session = await this.runtime.open({ images: [image] });
    await session.run(code);
    return { session, ms: performance.now() - startedAt };
  }

  async open(count: number): Promise<{ sessions: PythonSession[]; ms: number }> {
    const groups = Math.ceil(count / ROLLOUTS_PER_PICTURE);
    const images = Array.from({ length: groups }, () => ({ ...this.picture }));
    const startedAt = performance.now();
    const sessions = await Promise.all(
      Array.from({ length: count }, (_, i) =>
        this.runtime.open({ images: [images[i % groups] ?? this.picture] }),
      ),
    );
    return { sessions, ms: performance.now() - startedAt };
  }

  async run(session: PythonSession, code: string): Promise<Call> {
    const startedAt = performance.now();
    const { outcome, alive, stdout, figures } = await session.run(code);
    const ms = performance.now() - startedAt;
    const kind = outcome.type === "ok" ? "ok" : alive ? "error" : "lost";
    return { ms, outcome: kind, detail: outcome.type, stdout, figures: figures.length };
  }

  async trajectories(sessions: readonly PythonSession[], code: string, turns: number): Promise<Batch> {
    const startedAt = performance.now();
    const calls = await Promise.all(
      sessions.map(async (session) => {
        const own: Call[] = [];
        for (let turn = 0; turn < turns; turn++) own.push(await this.run(session, code));
        return own;
      }),
    );
    const failed = calls.flat().filter(({ outcome }) => outcome !== "ok").length;
    return { ms: performance.now() - startedAt, calls: sessions.length * turns, failed };
  }

  async close(sessions: readonly PythonSession[]): Promise<Closing> {
    const startedAt = performance.now();
    await this.discard(sessions);
    return { ms: performance.now() - startedAt, closed: sessions.length };
  }

  async discard(sessions: readonly PythonSession[]): Promise<void> {
    await Promise.all(sessions.map((session) => session.close()));
  }

  roots(): number[] {
    return childrenOf(process.pid).filter((pid) => !this.others.includes(pid));
  }

  cpuSeconds(): number {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6 + treeCpuSeconds(this.roots(), this.ticksPerSecond);
  }

  async end(): Promise<void> {
    await this.runtime.close();
  }
}
