// Requests that are made again when the server is busy or the network fails, after the time that the server names, and say so.
import { sleepUnlessAborted } from "../../core/sleep.ts";

export interface Patience {
  /** Requests that fail are made again so often; default 6. */
  readonly retries?: number;
  /** Before the first of them; doubled each time, at most a minute. Default 1000. */
  readonly retryMs?: number;
  /** Longest time without an answer, or without a byte of it; default 60,000. */
  readonly silenceMs?: number;
  /** Is told why a request is made again, and when. */
  readonly onRetry?: (text: string) => void;
}

const RETRIED = new Set([408, 425, 429, 500, 502, 503, 504]);
const MAX_WAIT_MS = 60_000;
/** What cannot be found, or refuses, will hardly be there in a minute; a name server that is busy says so otherwise. */
const HOPELESS = new Set(["ECONNREFUSED", "ENOTFOUND"]);
const HOPELESS_RETRIES = 1;

/** @param signal ends requests under way and waits */
export function patientFetch(
  { retries = 6, retryMs = 1000, silenceMs = 60_000, onRetry = () => undefined }: Patience,
  signal: AbortSignal,
): typeof fetch {
  return async (input, init) => {
    const { host } = new URL(input instanceof Request ? input.url : input);
    for (let attempt = 0; ; attempt++) {
      let wait = Math.min(MAX_WAIT_MS, retryMs * 2 ** attempt);
      let most = retries;
      let why: string;
      try {
        const response = await answerWithin(silenceMs, signal, (either) =>
          fetch(input, { ...init, signal: either }),
        );
        if (attempt >= retries || !RETRIED.has(response.status)) return response;
        const asked = Number(response.headers.get("retry-after"));
        if (Number.isFinite(asked) && asked > 0) wait = Math.min(MAX_WAIT_MS, asked * 1000);
        why = `answers with status ${response.status}`;
        await response.body?.cancel();
      } catch (error) {
        const code = codeOf(error);
        if (code !== undefined && HOPELESS.has(code)) most = Math.min(retries, HOPELESS_RETRIES);
        if (signal.aborted || attempt >= most) throw error;
        why = `cannot be reached (${code ?? (error instanceof Error ? error.message : String(error))})`;
      }
      onRetry(`${host} ${why}: trying again in ${Math.ceil(wait / 1000)} s (${attempt + 1} of ${most})`);
      await sleepUnlessAborted(wait, signal);
    }
  };
}

/** A server that takes a request and says nothing counts as out of reach. The body has the time it takes. */
async function answerWithin(
  limitMs: number,
  signal: AbortSignal,
  request: (signal: AbortSignal) => Promise<Response>,
): Promise<Response> {
  const silence = new AbortController();
  const timer = setTimeout(
    () => silence.abort(Object.assign(new Error(`no answer for ${limitMs / 1000} s`), { code: "ETIMEDOUT" })),
    limitMs,
  );
  try {
    return await request(AbortSignal.any([signal, silence.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** Of the system, e.g. ECONNREFUSED. */
export function codeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as NodeJS.ErrnoException;
    if (typeof code === "string") return code;
    if (at instanceof AggregateError && at.errors.length > 0) return codeOf(at.errors[0]);
  }
  return undefined;
}
