// Where the server wants it, the key is exchanged for a token (a JWT) that is sent in its place, and renewed five minutes
// before it ends.
import { z } from "zod";
import { TinkerError } from "./failures.ts";
import { submit } from "./submit.ts";
import type { Transport } from "./transport.ts";

const EARLY_MS = 5 * 60_000;
const CHECK_MS = 30_000;
/** Of a token that does not say. */
const UNKNOWN_LIFE_MS = 60 * 60_000;

const schema = z.looseObject({ jwt: z.string().min(1) });

export class TokenKeeper {
  private renewAt = Infinity;
  private busy = false;
  private stopTimer = (): void => undefined;

  private constructor(
    private readonly transport: Transport,
    private readonly warn: (text: string) => void,
  ) {}

  static async start(transport: Transport, warn: (text: string) => void): Promise<TokenKeeper> {
    const keeper = new TokenKeeper(transport, warn);
    await keeper.renew();
    keeper.stopTimer = transport.world.every(CHECK_MS, () => void keeper.renewInTime());
    return keeper;
  }

  stop(): void {
    this.stopTimer();
  }

  private async renewInTime(): Promise<void> {
    if (this.busy || this.transport.world.now() < this.renewAt) return;
    this.busy = true;
    try {
      await this.renew();
    } catch (error) {
      this.warn(
        `the server's token could not be renewed: ${error instanceof Error ? error.message : String(error)}`,
      );
    } finally {
      this.busy = false;
    }
  }

  private async renew(): Promise<void> {
    const { transport } = this;
    const { apiKey, baseUrl } = transport.settings;
    const reply = await submit(transport, {
      name: "auth/token",
      body: { type: "json", value: {} },
      // The key itself asks for it, also while an older token is in use.
      ...(apiKey !== undefined && { headers: { "x-api-key": apiKey } }),
      repeatable: true,
    });
    const parsed = schema.safeParse(reply.body.type === "json" ? reply.body.value : undefined);
    if (!parsed.success) throw new TinkerError(`${baseUrl}, auth/token: its reply has no token`, "failed");
    transport.token = parsed.data.jwt;
    const lifeMs = lifetimeMs(parsed.data.jwt);
    this.renewAt = transport.world.now() + Math.max(lifeMs - EARLY_MS, lifeMs / 2);
  }
}

/** From when it was made to when it ends, by its own words: the server's clock need not be ours. */
export function lifetimeMs(jwt: string): number {
  try {
    const middle = Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString("utf8");
    const { iat, exp } = JSON.parse(middle) as { readonly iat?: unknown; readonly exp?: unknown };
    if (typeof exp === "number" && typeof iat === "number" && exp > iat) return (exp - iat) * 1000;
  } catch {
    // Not a token that can be read; it may work all the same.
  }
  return UNKNOWN_LIFE_MS;
}
