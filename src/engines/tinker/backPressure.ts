// How many samples the server has at once. When it says "too many" (429), those that wait keep waiting, and for ten seconds
// only a few run; as the official SDK does.
import type { World } from "./options.ts";

const THROTTLED_MS = 10_000;
const THROTTLED_LIMIT = 10;
const PAUSE_MS = 1_000;
const LARGE_PAUSE_MS = 5_000;
const LARGE_BYTES = 128 * 1024;

export class BackPressure {
  private running = 0;
  private throttledUntil = -Infinity;
  private waking = false;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly limit: number,
    private readonly world: Pick<World, "now" | "sleep">,
  ) {}

  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.waiting.length > 0 || this.running >= this.room())
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
        this.wakeLater();
      });
    else this.running++;
    try {
      return await task();
    } finally {
      this.running--;
      this.wake();
    }
  }

  /** The server refused a request of this size for now: waits as long as it takes before it may be sent again. */
  async throttled(bytes: number): Promise<void> {
    this.throttledUntil = this.world.now() + THROTTLED_MS;
    await this.world.sleep(bytes > LARGE_BYTES ? LARGE_PAUSE_MS : PAUSE_MS);
  }

  private room(): number {
    return this.world.now() < this.throttledUntil ? Math.min(THROTTLED_LIMIT, this.limit) : this.limit;
  }

  private wake(): void {
    while (this.running < this.room()) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      this.running++;
      next();
    }
    this.wakeLater();
  }

  /** When the throttle ends, nobody may be there to wake the others. */
  private wakeLater(): void {
    const ms = this.throttledUntil - this.world.now();
    if (this.waking || this.waiting.length === 0 || ms <= 0) return;
    this.waking = true;
    void this.world.sleep(ms).then(() => {
      this.waking = false;
      this.wake();
    });
  }
}
