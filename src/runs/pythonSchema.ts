// The `python` section of a recipe: where the model's programs run, behind which isolation, within which limits.
import { z } from "zod";

const count = z.int().min(1);

export const python = z.strictObject({
  runtime: z
    .discriminatedUnion("type", [
      /** On this machine. */
      z.strictObject({ type: z.literal("local") }),
      /**
       * On a Jupyter server or an Enterprise Gateway, a kernel for each episode. What isolates the kernels, and what memory
       * they get, is that server's business.
       */
      z.strictObject({
        type: z.literal("jupyter"),
        baseUrl: z.url(),
        /** Name of the environment variable that holds the token. */
        tokenEnv: z.string().min(1).exactOptional(),
        kernelName: z.string().min(1).default("python3"),
        startTimeoutMs: z.int().min(1000).max(3_600_000).default(60_000),
      }),
    ])
    .prefault({ type: "local" }),
  /**
   * The weakest isolation that is accepted of the local runtime; the best that holds here is used. `namespaces`, `lite`
   * (no file system of its own), or `process`: none, programs have the user's own rights.
   */
  leastIsolation: z.enum(["namespaces", "lite", "process"]).default("lite"),
  /**
   * More packages from the Python index for the programs, e.g. `[scipy, opencv-python-headless==5.0.0]`. They are installed
   * into the project's own environment, which keeps the versions of requirements.txt.
   */
  packages: z.array(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*(\[[^\]]*\])?\s*([=<>!~].*)?$/)).default([]),
  /** Time a call may take: execution, rendering of figures and transfer. */
  callTimeoutMs: z.int().min(10).max(3_600_000).default(30_000),
  /** Calls that run at the same time; 0 is the number of cores. */
  maxConcurrent: z.int().min(0).max(4096).default(0),
  /** Address space of one session, its libraries included. */
  memoryBytes: z
    .int()
    .min(2 ** 28)
    .default(2 ** 31),
  /** Sessions open at the same time; one more is an error. */
  maxSessions: count.default(1024),
  /**
   * Private memory of all sessions together, above which the largest is ended; 0 is 60% of the machine's. Scratch folders and
   * unread output come on top, at most 128 MiB a session as things are set here.
   */
  maxTotalMemoryBytes: z.int().min(0).default(0),
  /** A session's own scratch folder, at level `namespaces`. */
  scratchBytes: z
    .int()
    .min(2 ** 20)
    .default(2 ** 26),
  /** Text kept of a call's output, half from its beginning and half from its end. */
  maxOutputBytes: z.int().min(64).default(65_536),
  maxFiguresPerCall: count.default(32),
  /** matplotlib settings of every session, e.g. `figure.dpi: 50`. */
  matplotlibRc: z.record(z.string(), z.unknown()).default({}),
});
