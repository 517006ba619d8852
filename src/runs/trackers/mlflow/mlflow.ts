// The MLflow tracker: a run of an experiment on a tracking server. MLflow keeps metrics for ever and appends, so that a
// resumed run first asks which step each metric has reached and sends only what is new.
import { z } from "zod";
import { flattenConfig } from "../flatten.ts";
import {
  TrackerError,
  type MetricsUpdate,
  type Opened,
  type Outcome,
  type TrackedRun,
  type Tracker,
  type Update,
} from "../tracker.ts";
import { MlflowClient, MlflowRefusal, type MlflowClientOptions } from "./client.ts";

/** What every server takes (MLflow itself allows 6000 characters since 2.12). */
const MAX_VALUE = 500;
const MAX_PARAMS = 100;
const MAX_METRICS = 1000;

const STATUS: Readonly<Record<Outcome, string>> = {
  finished: "FINISHED",
  interrupted: "KILLED",
  failed: "FAILED",
};

export interface MlflowOptions extends Omit<MlflowClientOptions, "url" | "signal"> {
  /** MLFLOW_TRACKING_URI when left out. */
  readonly url?: string;
  readonly experiment: string;
}

const experimentReply = z.object({
  experiment: z.object({ experiment_id: z.string(), lifecycle_stage: z.string().default("active") }),
});
const runReply = z.object({
  run: z.object({
    info: z.object({ run_id: z.string(), artifact_uri: z.string().default("") }),
    data: z
      .object({
        // Whole numbers of 64 bits are texts in protobuf's JSON.
        metrics: z.array(z.object({ key: z.string(), step: z.coerce.number().default(0) })).default([]),
        params: z.array(z.object({ key: z.string() })).default([]),
      })
      .prefault({}),
  }),
});
type Run = z.output<typeof runReply>["run"];

export function mlflowTracker(options: MlflowOptions): Tracker {
  let client: MlflowClient | undefined;
  let runId: string | undefined;
  let artifactRoot = "";
  /** The last step of each metric that the server has. */
  let reached = new Map<string, number>();
  let isUnsure = false;

  const learn = (found: Run): void => {
    runId = found.info.run_id;
    artifactRoot = found.info.artifact_uri;
    reached = new Map(found.data.metrics.map(({ key, step }) => [key, step]));
    isUnsure = false;
  };

  const logMetrics = async (to: MlflowClient, { step, timeMs, values }: MetricsUpdate): Promise<void> => {
    // An attempt without an answer may have arrived.
    if (isUnsure) learn(await findRun(to, runId as string));
    const metrics = Object.entries(values)
      .filter(([key]) => (reached.get(key) ?? 0) < step)
      // JSON knows no NaN; protobuf's takes these words.
      .map(([key, value]) => ({
        key,
        value: Number.isFinite(value) ? value : String(value),
        timestamp: timeMs,
        step,
      }));
    isUnsure = true;
    for (let i = 0; i < metrics.length; i += MAX_METRICS)
      await to.post("runs/log-batch", { run_id: runId, metrics: metrics.slice(i, i + MAX_METRICS) });
    isUnsure = false;
    for (const { key } of metrics) reached.set(key, step);
  };

  return {
    type: "mlflow",
    open: async (run, signal) => {
      const url = trackingUrl(options);
      client = new MlflowClient({ ...options, url, signal });
      const remembered = run.before?.memory["url"] === url ? run.before.memory["runId"] : undefined;
      const experimentId = await experimentOf(client, options.experiment);
      const known = runId ?? (run.resumeFrom > 0 ? remembered : undefined);
      const found = known === undefined ? undefined : await existingRun(client, known);
      // A second attempt to open sends them again, which changes nothing; a resumed run may have other ones.
      const hasParams = runId === undefined && (found?.data.params.length ?? 0) > 0;
      learn(found ?? (await createRun(client, run, experimentId, options.clock.now())));
      if (found !== undefined) await client.post("runs/update", { run_id: runId, status: "RUNNING" });
      const warnings = hasParams ? [] : await logParams(client, runId as string, run);
      // The last step may have arrived in part: it is offered again, and only what lacks is sent.
      const lastStep = Math.max(0, Math.max(0, ...reached.values()) - 1);
      return {
        where: `${url}/#/experiments/${experimentId}/runs/${runId}`,
        lastStep,
        memory: { url, runId: runId as string },
        warnings,
      } satisfies Opened;
    },
    write: async (update) => {
      if (client === undefined) return;
      if (update.type === "metrics") return logMetrics(client, update);
      const file = artifactOf(update);
      if (file === undefined) return;
      const root = /^mlflow-artifacts:\/*(.*)$/.exec(artifactRoot)?.[1];
      if (root === undefined)
        throw new TrackerError(
          "skip",
          "images and texts are not sent, since the server does not take files for the artifact store of this experiment; " +
            "start it with --serve-artifacts and use a new experiment",
        );
      await client.putArtifact(`${root}/${file.path}`, file.data, file.contentType);
    },
    close: async (outcome, timeMs) => {
      const status = STATUS[outcome];
      await client?.post("runs/update", { run_id: runId, status, end_time: timeMs });
    },
  };
}

function trackingUrl({ url, env }: MlflowOptions): string {
  const found = url ?? env["MLFLOW_TRACKING_URI"];
  if (found === undefined || found === "")
    throw new TrackerError(
      "stop",
      "no tracking server is named; set logging.trackers[…].url or the variable MLFLOW_TRACKING_URI",
    );
  if (!/^https?:\/\//.test(found))
    throw new TrackerError(
      "stop",
      `MLFLOW_TRACKING_URI is ${found}, and only addresses of tracking servers (http://, https://) can be spoken to; start ` +
        "`mlflow server` on that store and name its address",
    );
  return found.replace(/\/+$/, "");
}

async function experimentOf(client: MlflowClient, name: string): Promise<string> {
  const find = async (): Promise<string> => {
    const { experiment } = checked(
      experimentReply,
      await client.get("experiments/get-by-name", { experiment_name: name }),
    );
    if (experiment.lifecycle_stage === "deleted")
      throw new TrackerError(
        "stop",
        `the experiment ${name} was deleted; restore it (\`mlflow experiments restore\`) or name another`,
      );
    return experiment.experiment_id;
  };
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof MlflowRefusal) || error.code !== "RESOURCE_DOES_NOT_EXIST") throw stopped(error);
  }
  try {
    const made = await client.post("experiments/create", { name });
    return checked(z.object({ experiment_id: z.string() }), made).experiment_id;
  } catch (error) {
    // Another run was quicker.
    if (error instanceof MlflowRefusal && error.code === "RESOURCE_ALREADY_EXISTS") return find();
    throw stopped(error);
  }
}

async function createRun(
  client: MlflowClient,
  run: TrackedRun,
  experimentId: string,
  nowMs: number,
): Promise<Run> {
  const tags = [
    { key: "mlflow.source.name", value: "pyvision" },
    { key: "pyvision.stage", value: run.stage },
    ...(run.tags.length > 0 ? [{ key: "pyvision.tags", value: run.tags.join(",") }] : []),
  ];
  const order = { experiment_id: experimentId, run_name: run.name, start_time: nowMs, tags };
  try {
    return checked(runReply, await client.post("runs/create", order)).run;
  } catch (error) {
    throw stopped(error);
  }
}

async function findRun(client: MlflowClient, runId: string): Promise<Run> {
  return checked(runReply, await client.get("runs/get", { run_id: runId })).run;
}

/** undefined when the server has it no more. */
async function existingRun(client: MlflowClient, runId: string): Promise<Run | undefined> {
  try {
    return await findRun(client, runId);
  } catch (error) {
    if (error instanceof MlflowRefusal) return undefined;
    throw error;
  }
}

/** @returns what the server refused of them */
async function logParams(client: MlflowClient, runId: string, run: TrackedRun): Promise<string[]> {
  const params = Object.entries(flattenConfig(run.config)).map(([key, value]) => {
    const text = String(value);
    // What MLflow does not allow in a name.
    const name = key.replace(/[^\w. /:-]/g, "_");
    return { key: name, value: text.length <= MAX_VALUE ? text : `${text.slice(0, MAX_VALUE - 1)}…` };
  });
  const refused: string[] = [];
  for (let i = 0; i < params.length; i += MAX_PARAMS)
    try {
      await client.post("runs/log-batch", { run_id: runId, params: params.slice(i, i + MAX_PARAMS) });
    } catch (error) {
      if (!(error instanceof MlflowRefusal)) throw error;
      refused.push(`parameters ${i + 1} to ${Math.min(i + MAX_PARAMS, params.length)}: ${error.message}`);
    }
  return refused;
}

interface Artifact {
  readonly path: string;
  readonly data: Uint8Array;
  readonly contentType: string;
}

/** MLflow has no histograms. */
function artifactOf(update: Exclude<Update, MetricsUpdate>): Artifact | undefined {
  const place = `${update.name}/step-${String(update.step).padStart(6, "0")}`;
  switch (update.type) {
    case "image":
      return { path: `${place}.png`, data: update.png, contentType: "image/png" };
    case "text":
      return { path: `${place}.md`, data: Buffer.from(update.markdown), contentType: "text/markdown" };
    case "histogram":
      return undefined;
  }
}

function checked<T>(schema: z.ZodType<T>, reply: unknown): T {
  const result = schema.safeParse(reply);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new TrackerError(
    "stop",
    `a reply of the server is not as MLflow's API says: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}; see that the ` +
      "address is a tracking server's and its version 2.0 or newer",
  );
}

/** Without an experiment and a run nothing else can arrive. */
function stopped(error: unknown): unknown {
  return error instanceof MlflowRefusal ? new TrackerError("stop", error.message, { cause: error }) : error;
}
