// Handing a request in, again and again where that is safe. A request whose reply was lost may have been taken: it is sent
// again only to a server that does the same request once (by its seq_id and idempotency key), or where twice does no harm.
// Evidence for statuses and pauses: the official SDK (execute_with_retries: 2^n s up to 30 s, five minutes in all).
import { isRedirect, NoReply, remedyFor, TinkerError } from "./failures.ts";
import type { Reply, Transport, WireBody } from "./transport.ts";

export interface Submission {
  /** Path below /api/v1. */
  readonly name: string;
  readonly body: WireBody;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether sending it twice leaves the server as sending it once. */
  readonly repeatable: boolean;
  /** What it is for, to put after the name in messages: `of model s-1:train:0`. */
  readonly about?: string;
  readonly timeoutMs?: number;
  /** Of all attempts. Default five minutes. */
  readonly patienceMs?: number;
  /** Asked before each attempt, so that many requests heed one server's wish (backPressure.ts). */
  readonly onThrottled?: () => Promise<void>;
  readonly onRetry?: (reason: string) => void;
}

const PATIENCE_MS = 300_000;
const TIMEOUT_MS = 120_000;
const LONGEST_PAUSE_MS = 30_000;
const BILLING_PAUSE_MS = 5_000;

/** The reply, whose status is 2xx. @throws TinkerError */
export async function submit(transport: Transport, s: Submission): Promise<Reply> {
  const { world, settings } = transport;
  const start = world.now();
  for (let attempt = 0; ; attempt++) {
    let reply: Reply;
    try {
      reply = await transport.post(s.name, s.body, {
        timeoutMs: s.timeoutMs ?? TIMEOUT_MS,
        ...(s.headers !== undefined && { headers: s.headers }),
      });
    } catch (error) {
      if (!(error instanceof NoReply)) throw error;
      const text = transport.shown(error.message);
      const pause = pauseMs(attempt, world.random());
      if ((error.neverSent || s.repeatable) && withinPatience(pause)) {
        s.onRetry?.(text);
        await world.sleep(pause);
        continue;
      }
      throw error.neverSent || s.repeatable
        ? failed(`${text}${tried()}; ${remedyFor(undefined, settings.apiKeyVariable, false)}`, "unreachable")
        : failed(
            `${text}; whether the server took it is not known, and it would be done twice if it were sent again`,
            "lost",
          );
    }
    if (reply.status >= 200 && reply.status < 300) return reply;
    const text = transport.told(reply);
    const again = againAfter(reply, s.repeatable, settings.dialect === "hosted");
    if (again !== undefined) {
      const pause = Math.max(
        again,
        reply.status === 402 ? BILLING_PAUSE_MS : pauseMs(attempt, world.random()),
      );
      if (withinPatience(pause)) {
        s.onRetry?.(text);
        if (reply.status === 429 && s.onThrottled !== undefined) await s.onThrottled();
        else await world.sleep(pause);
        continue;
      }
    }
    const unsure = reply.status >= 500 || reply.status === 408;
    const gone = (reply.status === 404 || reply.status === 410) && reply.body.type === "json";
    throw failed(
      `${text}${tried()}` +
        (unsure && !s.repeatable
          ? "; whether the server took it is not known, and it would be done twice if it were sent again"
          : gone
            ? "" // the words of a Tinker server: the address is right
            : `; ${remedyFor(reply.status, settings.apiKeyVariable, settings.apiKey !== undefined)}`),
      gone ? "gone" : unsure ? "lost" : "refused",
      reply.status,
    );

    function tried(): string {
      return attempt === 0
        ? ""
        : ` (${attempt + 1} attempts in ${((world.now() - start) / 1000).toFixed(1)} s)`;
    }
  }

  function withinPatience(pause: number): boolean {
    return world.now() - start + pause < (s.patienceMs ?? PATIENCE_MS);
  }

  function failed(text: string, kind: TinkerError["kind"], status?: number): TinkerError {
    const about = s.about === undefined ? "" : ` ${s.about}`;
    return new TinkerError(`${settings.baseUrl}, ${s.name}${about}: ${text}`, kind, status);
  }
}

/** 1, 2, 4 … 30 s, between half and all of it. */
export function pauseMs(failures: number, random: number): number {
  return Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** failures) * (0.5 + random / 2);
}

/** Undefined when the status is final; else the shortest pause the server wishes, in milliseconds. */
function againAfter({ status, headers }: Reply, repeatable: boolean, hosted: boolean): number | undefined {
  if (isRedirect(status)) return undefined;
  const should = headers.get("x-should-retry");
  if (should === "false") return undefined;
  // 429 and 402 say that nothing was taken. A 409 is a conflict in passing only on the hosted service; elsewhere it stays.
  const passing =
    status === 429 ||
    (status === 402 && hosted) ||
    (repeatable && (should === "true" || status === 408 || status >= 500 || (status === 409 && hosted)));
  return passing ? wishedMs(headers) : undefined;
}

/** Of a refusal in passing: how long the server wishes to be left alone, at most a minute; 0 where it does not say. */
export function wishedMs(headers: Headers): number {
  const ms = Number(headers.get("retry-after-ms") ?? Number(headers.get("retry-after") ?? 0) * 1000);
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, 60_000) : 0;
}
