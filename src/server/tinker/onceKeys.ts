// Requests that name themselves (X-Idempotency-Key): one that comes again after its reply was lost gets the same reply, and
// is not done twice.
import { HttpError } from "../http.ts";

const REMEMBERED = 4096;

export class OnceKeys {
  private readonly known = new Map<string, { readonly digest: string; readonly reply: Promise<unknown> }>();

  /** @throws HttpError (409) when the key belongs to another request */
  async once(key: string | undefined, digest: string, work: () => Promise<unknown>): Promise<unknown> {
    if (key === undefined) return work();
    const known = this.known.get(key);
    if (known?.digest === digest) return known.reply;
    if (known !== undefined)
      throw new HttpError(
        "X-Idempotency-Key: this key was sent with another request; every request has its own",
        {
          status: 409,
          code: "idempotency_key_reused",
        },
      );
    const reply = work();
    this.known.set(key, { digest, reply });
    for (const oldest of this.known.keys()) {
      if (this.known.size <= REMEMBERED) break;
      this.known.delete(oldest);
    }
    // What failed may be tried again.
    reply.catch(() => this.known.delete(key));
    return reply;
  }
}
