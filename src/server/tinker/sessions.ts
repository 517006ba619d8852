// Sessions: who is there. A client creates one, says every few seconds that it is alive, and finishes it; what belongs to a
// session that is silent for too long, in its requests too, is let go as if it had finished.
import { HttpError } from "../http.ts";

export interface Session {
  readonly id: string;
  readonly userMetadata: Readonly<Record<string, unknown>> | undefined;
  /** Request ids of models being created, by model_seq_id, each with the digest of its body. */
  readonly creations: Map<number, { readonly digest: string; readonly requestId: string }>;
  readonly modelIds: Set<string>;
  readonly samplerIds: Set<string>;
  /** Milliseconds of a steady clock. */
  lastSeen: number;
  /** Whether it has ever said that it is alive: then it would again. */
  hasHeartbeat: boolean;
}

/** Clients say every ten seconds that they are alive. One that has missed this much is probably gone. */
const LIKELY_GONE_MS = 60_000;

/** Ended sessions whose end is remembered. */
const REMEMBERED = 1000;

export interface SessionsOptions {
  /** Silence after which a session ends; 0 is never. */
  readonly timeoutMs: number;
  readonly now: () => number;
  readonly newId: () => string;
  readonly onEnd: (session: Session, reason: string) => void;
}

export class Sessions {
  private readonly sessions = new Map<string, Session>();
  private readonly ended = new Map<string, string>();
  private readonly timer: NodeJS.Timeout | undefined;
  private lookedAt: number;

  constructor(private readonly options: SessionsOptions) {
    this.lookedAt = options.now();
    if (options.timeoutMs > 0)
      this.timer = setInterval(() => this.endSilent(), Math.max(10, options.timeoutMs / 4)).unref();
  }

  create(userMetadata: Session["userMetadata"]): Session {
    const session: Session = {
      id: this.options.newId(),
      userMetadata,
      creations: new Map(),
      modelIds: new Set(),
      samplerIds: new Set(),
      lastSeen: this.options.now(),
      hasHeartbeat: false,
    };
    this.sessions.set(session.id, session);
    return session;
  }

  get all(): readonly Session[] {
    return [...this.sessions.values()];
  }

  find(id: string): Session | undefined {
    return this.sessions.get(id);
  }

  /** It is alive, as it is asked for. @throws HttpError: 404 for one that was never there, 410 for one that has ended */
  get(id: string): Session {
    const session = this.sessions.get(id);
    if (session !== undefined) {
      session.lastSeen = this.options.now();
      return session;
    }
    const why = this.ended.get(id);
    if (why !== undefined)
      throw new HttpError(`session ${id} has ended: ${why}`, { status: 410, code: "ended" });
    throw new HttpError(
      `there is no session ${JSON.stringify(id.slice(0, 80))}; sessions end with the server, and checkpoints outlive them`,
      { status: 404 },
    );
  }

  /** Something that belongs to it is asked for; one that has ended stays so. */
  touch(id: string): void {
    const session = this.sessions.get(id);
    if (session !== undefined) session.lastSeen = this.options.now();
  }

  heartbeat(id: string): void {
    this.get(id).hasHeartbeat = true;
  }

  /** Ends those whose client is probably gone, where room is needed. */
  endLikelyGone(): void {
    const before = this.options.now() - LIKELY_GONE_MS;
    for (const { id, lastSeen, hasHeartbeat } of this.all)
      if (hasHeartbeat && lastSeen < before)
        this.end(id, `nothing was heard of it for ${LIKELY_GONE_MS / 1000} s, and room was needed`);
  }

  hasEnded(id: string): boolean {
    return this.ended.has(id);
  }

  /** Once more does nothing. */
  end(id: string, reason: string): void {
    const session = this.sessions.get(id);
    if (session === undefined) return;
    this.sessions.delete(id);
    this.ended.set(id, reason);
    for (const oldest of this.ended.keys()) {
      if (this.ended.size <= REMEMBERED) break;
      this.ended.delete(oldest);
    }
    this.options.onEnd(session, reason);
  }

  close(): void {
    clearInterval(this.timer);
  }

  private endSilent(): void {
    const { timeoutMs, now } = this.options;
    const at = now();
    const late = at - this.lookedAt > timeoutMs / 2;
    this.lookedAt = at;
    // While the engine computes, nothing is read: signs of life may be waiting in the sockets.
    if (late) return;
    for (const { id, lastSeen } of this.all)
      if (at - lastSeen > timeoutMs) this.end(id, `nothing was heard of it for ${timeoutMs / 1000} s`);
  }
}
