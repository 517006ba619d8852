// Runs the attacks against a runtime, each beside a sibling session that must not notice, and takes stock of what is left
// when all are over. The attacks are real: none runs unless the runtime's sessions are as isolated as the suite is for.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { ToolResult } from "../../core/trajectory.ts";
import { type PythonRuntimeOptions, startPythonRuntime } from "../forkServer.ts";
import type { IsolationLevel, PythonRuntime, PythonSession } from "../runtime.ts";
import { LATER_MS, LONG_MS, runLimited, SLACK_MS, SOON_MS } from "../testRuntime.ts";
import type { Attack, OutcomeType, Turn } from "./attack.ts";
import { ATTACKS } from "./all.ts";
import { childrenCpuMs, Leftovers } from "./leftovers.ts";
import { CANARY_TEXT, HostSecrets, Scenery } from "./scenery.ts";
import { SHARED_PICTURE, SIBLING_AFTER, SIBLING_BEFORE, siblingPrints } from "./sibling.ts";

export interface SuiteOptions {
  /** Of the runtime; the limits of time, and how many run at once, are the suite's. */
  readonly runtime?: PythonRuntimeOptions;
  /** The level that the runtime must have for an attack to be run at all. Default `namespaces`. */
  readonly level?: IsolationLevel;
  /** The attacks to run. Default all. */
  readonly attacks?: readonly Attack[];
}

const GRACE_MS = 500;
const AT_ONCE = 4;
const SIBLING_LIMIT_MS = 30_000;
/** Shorter than what the runtime waits for a process that does not end. */
const CLOSE_LIMIT_MS = 15_000;
/** A reply may bring 256 MiB of pictures, which are held up to three times while it is read. */
const MAX_RSS_GROWTH_MIB = 1024;

/**
 * Defines the suite as tests of node:test.
 * @param exclusions attack name -> why this kind of runtime does not stop it; shown as skipped, with the reason
 */
export function defineAttackSuite(
  name: string,
  options: SuiteOptions = {},
  exclusions: Readonly<Record<string, string>> = {},
): void {
  const attacks = options.attacks ?? ATTACKS;
  const level = options.level ?? "namespaces";
  describe(name, () => {
    const suite = new AttackSuite(options.runtime ?? {}, level);
    before(() => suite.start());
    after(() => suite.close());
    test(`the level is ${level}`, () => void suite.assertLevel());
    test("exclusions name attacks of the suite", () => {
      const known = new Set(attacks.map((attack) => attack.name));
      assert.deepEqual(Object.keys(exclusions).filter((excluded) => !known.has(excluded)), []); // prettier-ignore
    });
    const define = (attack: Attack): void => {
      const reason = exclusions[attack.name];
      const settings = reason === undefined ? {} : { skip: reason };
      void test(`${attack.category}: ${attack.name}`, settings, () => suite.run(attack));
    };
    describe("side by side", { concurrency: AT_ONCE }, () => {
      attacks.filter(({ idleCpuMs }) => idleCpuMs === undefined).forEach(define);
    });
    describe("one at a time", () => {
      attacks.filter(({ idleCpuMs }) => idleCpuMs !== undefined).forEach(define);
    });
    test("after all of it the runtime is whole, and its close leaves nothing", () =>
      suite.assertNothingLeft());
  });
}

/** One runtime and the host around it. */
class AttackSuite {
  readonly #temporary = process.env["TMPDIR"];
  readonly #folder = mkdtempSync(join(tmpdir(), "attacks-"));
  #runtime: PythonRuntime | undefined;
  /** Why the runtime did not start. */
  #fault: unknown;
  #secrets: HostSecrets | undefined;
  #leftovers: Leftovers | undefined;

  constructor(
    readonly options: PythonRuntimeOptions,
    readonly level: IsolationLevel,
  ) {}

  async start(): Promise<void> {
    this.#secrets = new HostSecrets();
    this.#leftovers = new Leftovers(this.#folder);
    process.env["TMPDIR"] = this.#folder; // what the runtime makes lies here, and nothing else does
    try {
      this.#runtime = await startPythonRuntime({
        leastIsolation: "process", // a level too low is told by the test of the level, with its reasons
        ...this.options,
        callTimeoutMs: LONG_MS,
        maxConcurrent: AT_ONCE,
      });
    } catch (error) {
      this.#fault = error;
    } finally {
      if (this.#temporary === undefined) delete process.env["TMPDIR"];
      else process.env["TMPDIR"] = this.#temporary;
    }
  }

  async close(): Promise<void> {
    await this.#runtime?.close();
    this.#secrets?.remove();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  assertLevel(): PythonRuntime {
    if (this.#fault !== undefined) throw this.#fault as Error;
    const runtime = this.#runtime ?? assert.fail("the runtime has not started");
    const { level, by, shortfalls } = runtime.isolation;
    const why = `the level is ${level} (by ${by}), but these attacks run only at ${this.level}: ${shortfalls.join("; ")}`;
    assert.equal(level, this.level, why);
    return runtime;
  }

  async run(attack: Attack): Promise<void> {
    const runtime = this.assertLevel();
    const scenery = await Scenery.build(
      this.#secrets ?? assert.fail("no secrets"),
      this.options.python ?? "",
    );
    const opened: PythonSession[] = [];
    const open = async (): Promise<PythonSession> => {
      const session = await runtime.open({ images: [SHARED_PICTURE] });
      opened.push(session);
      return session;
    };
    try {
      const sibling = await open();
      await runTurn(sibling, { run: scenery.fill(attack.siblingBefore ?? "None"), ends: ["ok"] }, "sibling");
      await runTurn(sibling, { run: SIBLING_BEFORE, ends: ["ok"] }, "sibling");
      const session = await open();
      if (attack.idleCpuMs !== undefined) await untilQuiet(attack.idleCpuMs);
      const ends: OutcomeType[] = [];
      for (const [index, turn] of attack.turns.entries())
        ends.push(await runTurn(session, { ...turn, run: scenery.fill(turn.run) }, `turn ${index + 1}`));
      const kills = ends.filter((end) => end === "killed").length;
      if (attack.kills !== undefined)
        assert.equal(kills, attack.kills, `the turns ended as ${ends.join(", ")}`);
      if (attack.idleCpuMs !== undefined) await assertIdle(sibling, attack.idleCpuMs);
      await assertUnharmed(sibling, attack.siblingAfter, scenery);
      await assertOpens(open, undefined, scenery);
      await assertCloses(session);
      await assertOpens(open, attack.nextSession, scenery);
      assert.deepEqual(scenery.damage(attack.absent), []);
    } finally {
      await Promise.all(opened.map((session) => session.close()));
      scenery.remove();
    }
  }

  async assertNothingLeft(): Promise<void> {
    const runtime = this.assertLevel();
    await assertOpens(() => runtime.open({ images: [SHARED_PICTURE] }), undefined, undefined);
    await runtime.close();
    assert.deepEqual(this.#leftovers?.found(), []);
    const growth = this.#leftovers?.peakGrowthMiB() ?? Number.NaN;
    assert.ok(growth < MAX_RSS_GROWTH_MIB, `the host's memory grew by ${growth} MiB`);
  }
}

async function runTurn(session: PythonSession, turn: Turn, name: string): Promise<OutcomeType> {
  const limits = limitsOf(turn);
  const result = await runLimited(session, { run: turn.run, ...limits });
  const [text, error] = [result.stdout, errorText(result)];
  const shown = `${name}: ${JSON.stringify({ ...result, stdout: cut(text), figures: sizes(result) })}`;
  assert.ok(turn.ends.includes(result.outcome.type), `${shown}; may end as ${turn.ends.join(", ")}`);
  for (const part of [text, error]) {
    assert.doesNotMatch(part, CANARY_TEXT, `a secret came out: ${shown}`);
    assert.doesNotMatch(part, /[\p{Surrogate}\0]/u, `not well-formed: ${shown}`);
  }
  const message = error.split("\nTraceback")[0] ?? "";
  if (turn.never !== undefined) assert.doesNotMatch(`${text}\n${message}`, turn.never, shown);
  if (turn.prints !== undefined) assert.match(text, turn.prints, shown);
  if (turn.says !== undefined) assert.match(error, turn.says, shown);
  if (turn.alive !== undefined) assert.equal(result.alive, turn.alive, shown);
  // Who heeds the interruption needs no grace.
  const mostMs = turn.withinMs ?? limits.limitMs + (turn.alive === true ? 0 : limits.graceMs);
  assert.ok(result.elapsedMs < mostMs + SLACK_MS, shown);
  for (const { width, height, data } of result.figures) assert.equal(data.length, 3 * width * height, shown);
  if (turn.figures !== undefined) assert.equal(sizes(result), turn.figures, shown);
  return result.outcome.type;
}

/** A call that may end by its limit does so soon; one that may not has all the time that a busy machine takes. */
function limitsOf({ limitMs, ends, alive }: Turn): { limitMs: number; graceMs: number } {
  if (!ends.includes("timeout")) return { limitMs: limitMs ?? LONG_MS, graceMs: GRACE_MS };
  if (alive === true) return { limitMs: limitMs ?? SOON_MS, graceMs: LONG_MS };
  // One that is to be deaf to its interruption must have become so before.
  return { limitMs: limitMs ?? (alive === false ? LATER_MS : SOON_MS), graceMs: GRACE_MS };
}

async function assertUnharmed(
  sibling: PythonSession,
  own: Attack["siblingAfter"],
  scenery: Scenery,
): Promise<void> {
  const startedAt = performance.now();
  const { outcome, stdout } = await sibling.run(SIBLING_AFTER);
  assert.deepEqual({ outcome, stdout }, { outcome: { type: "ok" }, stdout: siblingPrints }, "the sibling");
  const waitedMs = performance.now() - startedAt;
  assert.ok(waitedMs < SIBLING_LIMIT_MS, `the sibling took ${waitedMs} ms`);
  if (own === undefined) return;
  await runTurn(sibling, { run: scenery.fill(own[0]), ends: ["ok"], prints: own[1] }, "the sibling");
}

async function assertCloses(session: PythonSession): Promise<void> {
  const startedAt = performance.now();
  await session.close();
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < CLOSE_LIMIT_MS, `the session's close took ${tookMs} ms`);
}

/** A session opened now is a new one in every respect. */
async function assertOpens(
  open: () => Promise<PythonSession>,
  own: Attack["nextSession"],
  scenery: Scenery | undefined,
): Promise<void> {
  const session = await open();
  const cell =
    "import os\nprint(6 * 7, np.mean([1, 2, 3]), [f for f in os.listdir('.') if f[0] != '.'], image_clue_0.getcolors())";
  await runTurn(
    session,
    { run: cell, ends: ["ok"], prints: /^42 2\.0 \[\] \[\(16, \(9, 9, 9\)\)\]\n$/ },
    "the next session",
  );
  if (own !== undefined && scenery !== undefined)
    await runTurn(session, { run: scenery.fill(own[0]), ends: ["ok"], prints: own[1] }, "the next session");
  await session.close();
}

/** Until spare sessions, which are on their way, are there: their work is not to be taken for the attack's. */
async function untilQuiet(mostMs: number): Promise<void> {
  const until = performance.now() + LONG_MS;
  while ((await usedInASecond()) > mostMs)
    assert.ok(performance.now() < until, "internal: the runtime is busy before the attack");
}

/** A session is left alone for a moment before it is frozen; then it has to be quiet, not just at some time later. */
async function assertIdle(sibling: PythonSession, mostMs: number): Promise<void> {
  await sleep(500);
  // The sibling has been frozen, too, and goes on by an order after the one that froze the attack: that one is obeyed.
  assert.equal((await sibling.run("None")).outcome.type, "ok", "the sibling");
  let used = await usedInASecond();
  // Once more: in the place of a session that was killed there comes a new one, with a spare after it.
  if (used > mostMs) used = await usedInASecond();
  assert.ok(used <= mostMs, `an idle session used ${used} ms of processor time in a second`);
}

async function usedInASecond(): Promise<number> {
  await sleep(500);
  const before = childrenCpuMs();
  await sleep(1000);
  // One that ended meanwhile takes nothing off the others' time.
  return [...childrenCpuMs()].reduce((sum, [pid, ms]) => sum + ms - (before.get(pid) ?? 0), 0);
}

function errorText({ outcome }: ToolResult): string {
  if (outcome.type === "pythonError")
    return `${outcome.errorType}: ${outcome.message}\nTraceback: ${outcome.traceback}`;
  return "reason" in outcome ? outcome.reason : "";
}

const sizes = ({ figures }: ToolResult): string =>
  figures.map(({ width, height }) => `${width}x${height}`).join(" ");
const cut = (text: string): string =>
  text.length < 1500 ? text : `${text.slice(0, 700)} ... ${text.slice(-700)}`;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
