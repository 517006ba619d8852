// Fetching the result of work that was handed in: asked for again and again until it is there, one request at a time.
// Evidence for what each status means: the official SDK (api_future_impl.py) and SkyRL's server (api.py, retrieve_future).
import { NoReply, remedyFor, TinkerError, toldError } from "./failures.ts";
import { pauseMs } from "./submit.ts";
import type { Reply, ReplyBody, Transport } from "./transport.ts";

export interface Retrieval {
  readonly requestId: string;
  /** As `forward_backward`, for messages. */
  readonly name: string;
  readonly about?: string;
  /** What the server is told this is: `ForwardBackward`, `OptimStep`. */
  readonly requestType: string;
  /** Whether the result may come as protobuf. */
  readonly protobuf: boolean;
  readonly pollTimeoutMs: number;
  readonly deadlineMs: number;
  /** Called when the server says that the work waits, and why; with undefined when it goes on. */
  readonly onQueue?: (state: string | undefined) => void;
  /** Room for large results, so that not all of them arrive at once. */
  readonly room?: BytesInFlight;
}

/** Between two polls, should a server answer "not yet" at once. */
const FLOOR_MS = 50;
/** How long failures may follow each other. */
const PATIENCE_MS = 300_000;
const BILLING_PAUSE_MS = 5_000;
const GLITCHES = 3;

/** The result. @throws TinkerError */
export async function retrieve(transport: Transport, o: Retrieval): Promise<ReplyBody> {
  const { world, settings } = transport;
  const start = world.now();
  let failures = 0;
  let failingSince = start;
  let glitches = 0;
  let metadataOnly = o.room !== undefined;
  let release = (): void => undefined;
  try {
    for (let iteration = 0; ; iteration++) {
      const left = o.deadlineMs - (world.now() - start);
      if (left <= 0)
        throw failed(
          `no result within ${Number((o.deadlineMs / 1000).toFixed(1))} s; look into the server's log, or raise ` +
            "engine.deadlineSeconds",
          "deadline",
        );
      const next = await poll(iteration, Math.min(o.pollTimeoutMs, Math.max(1, left)));
      if (next.type === "done") return next.body;
      if (next.type === "pause") {
        await world.sleep(next.ms);
        continue;
      }
      if (failures++ === 0) failingSince = world.now();
      const pause = pauseMs(failures - 1, world.random());
      if (world.now() - failingSince + pause >= PATIENCE_MS)
        throw failed(
          `${next.text} (${failures} attempts); ${remedyFor(next.status, settings.apiKeyVariable, true)}`,
          next.status === undefined ? "unreachable" : "lost",
          next.status,
        );
      await world.sleep(pause);
    }
  } finally {
    release();
    o.onQueue?.(undefined);
  }

  async function poll(iteration: number, timeoutMs: number): Promise<Step> {
    try {
      const value = {
        request_id: o.requestId,
        ...(metadataOnly && { allow_metadata_only: true }),
      };
      const reply = await transport.post(
        "retrieve_future",
        { type: "json", value },
        {
          timeoutMs,
          headers: {
            accept: o.protobuf ? "application/x-protobuf, application/json" : "application/json",
            "x-tinker-request-iteration": String(iteration),
            "x-tinker-request-type": o.requestType,
          },
        },
      );
      return await read(reply);
    } catch (error) {
      if (!(error instanceof NoReply)) throw error;
      // A server may hold the request for longer than we wait.
      if (error.timedOut) return { type: "pause", ms: FLOOR_MS };
      return { type: "failure", text: transport.shown(error.message), status: undefined };
    }
  }

  async function read(reply: Reply): Promise<Step> {
    const { status, body } = reply;
    if (status !== 200) return readRefusal(reply);
    failures = 0;
    if (body.type === "protobuf") return { type: "done", body };
    if (body.type === "text")
      return { type: "failure", text: `its reply is not JSON (${transport.shown(body.text)})`, status };
    const future = futureOf(body.value);
    switch (future.type) {
      case "tryAgain":
        o.onQueue?.(future.waiting);
        return { type: "pause", ms: FLOOR_MS };
      case "metadata":
        metadataOnly = false;
        if (o.room !== undefined) release = await o.room.take(sizeOf(future.bytes));
        return { type: "pause", ms: 0 };
      case "error":
        throw failed(transport.shown(future.text), "failed");
      case "result":
        return { type: "done", body };
    }
  }

  function sizeOf(bytes: unknown): number {
    if (typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
    throw failed(
      `response_payload_size must be a whole number of at least 0, got ${transport.shown(JSON.stringify(bytes) ?? "none")}; ` +
        "check that engine.baseUrl is that of a Tinker server",
      "lost", // the result may well be there
    );
  }

  function readRefusal(reply: Reply): Step {
    const { status, body } = reply;
    const text = transport.told(reply);
    if (status === 408) {
      const future = body.type === "json" ? futureOf(body.value) : undefined;
      if (future?.type === "tryAgain") o.onQueue?.(future.waiting);
      failures = 0;
      return { type: "pause", ms: FLOOR_MS };
    }
    if (status === 429 || status >= 500) return { type: "failure", text, status };
    if (status === 402 && settings.dialect === "hosted") {
      o.onQueue?.("paused_billing");
      return { type: "pause", ms: BILLING_PAUSE_MS };
    }
    // Of the hosted service it may be a proxy's; SkyRL tells by it that the work failed.
    if (status === 400 && settings.dialect === "hosted" && glitches++ < GLITCHES)
      return { type: "pause", ms: pauseMs(0, world.random()) };
    if (status === 400 && settings.dialect === "skyrl")
      throw failed(text.replace(/^400 /, ""), "failed", status);
    if (status === 404 || status === 410)
      throw failed(`${text}; the server does not have this result any more`, "gone", status);
    throw failed(
      `${text}; ${remedyFor(status, settings.apiKeyVariable, settings.apiKey !== undefined)}`,
      "lost", // something in between may have said it: the work may be done
      status,
    );
  }

  function failed(text: string, kind: TinkerError["kind"], status?: number): TinkerError {
    const about = o.about === undefined ? "" : ` ${o.about}`;
    return new TinkerError(`${settings.baseUrl}, ${o.name}${about}: ${text}`, kind, status);
  }
}

type Step =
  | { readonly type: "done"; readonly body: ReplyBody }
  | { readonly type: "pause"; readonly ms: number }
  | { readonly type: "failure"; readonly text: string; readonly status: number | undefined };

type Future =
  | { readonly type: "tryAgain"; readonly waiting: string | undefined }
  | { readonly type: "metadata"; readonly bytes: unknown }
  | { readonly type: "error"; readonly text: string }
  | { readonly type: "result" };

function futureOf(value: unknown): Future {
  if (typeof value !== "object" || value === null) return { type: "result" };
  const fields = value as Readonly<Record<string, unknown>>;
  if (fields["type"] === "try_again") {
    const { queue_state: state, queue_state_reason: reason } = fields;
    const words = [state, reason].filter((word) => typeof word === "string" && word !== "");
    return { type: "tryAgain", waiting: words.join() === "active" ? undefined : words.join(": ") };
  }
  if (fields["status"] === "complete_metadata")
    return { type: "metadata", bytes: fields["response_payload_size"] };
  if (typeof fields["error"] === "string") return { type: "error", text: toldError(value) };
  return { type: "result" };
}

/** Bounds the bytes of results that are on their way at once. */
export class BytesInFlight {
  private used = 0;
  private readonly waiting: { readonly bytes: number; readonly go: () => void }[] = [];

  constructor(private readonly limit: number) {}

  /** Waits for room; one result that is larger than all the room has it for itself. The function given back frees it. */
  async take(bytes: number): Promise<() => void> {
    if (this.waiting.length > 0 || !this.fits(bytes))
      await new Promise<void>((go) => this.waiting.push({ bytes, go }));
    else this.used += bytes;
    let free = (): void => {
      free = () => undefined;
      this.used -= bytes;
      for (let next = this.waiting[0]; next !== undefined && this.fits(next.bytes); next = this.waiting[0]) {
        this.waiting.shift();
        this.used += next.bytes;
        next.go();
      }
    };
    return () => free();
  }

  private fits(bytes: number): boolean {
    return this.used === 0 || this.used + bytes <= this.limit;
  }
}
