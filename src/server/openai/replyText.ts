// The text of a reply as its tokens come: bytes joined to characters across tokens, stop strings found wherever they
// begin and end, and, for a stream, how much of it is certain by now.

export class ReplyText {
  /** The first stop string that the text came to hold. */
  stoppedBy: string | undefined;
  private readonly decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  private text = "";
  /** Characters given out. */
  private given = 0;
  private readonly longestStop: number;

  /** @param includeStop whether the text ends with the stop string that ended it, or before it */
  constructor(
    private readonly stops: readonly string[],
    private readonly includeStop: boolean,
  ) {
    this.longestStop = Math.max(0, ...stops.map((stop) => stop.length));
  }

  /** One token more. Not after a stop string. */
  add(bytes: Uint8Array): void {
    this.append(this.decoder.decode(bytes, { stream: true }));
  }

  /** No token follows: half a character becomes U+FFFD. */
  end(): void {
    if (this.stoppedBy === undefined) this.append(this.decoder.decode());
  }

  /** All of it so far. */
  get whole(): string {
    return this.text;
  }

  /** What has become certain since the last call: not the beginning of a stop string that will be left out. */
  take(ended: boolean): string {
    const until = ended || this.stoppedBy !== undefined ? this.text.length : this.certain();
    const piece = this.text.slice(this.given, until);
    this.given = Math.max(this.given, until);
    return piece;
  }

  private append(piece: string): void {
    const from = Math.max(0, this.text.length - this.longestStop);
    this.text += piece;
    // The stop string that is complete first; of several, the one that begins first.
    let best: { readonly stop: string; readonly at: number } | undefined;
    for (const stop of this.stops) {
      const at = this.text.indexOf(stop, from);
      if (at < 0) continue;
      const end = at + stop.length;
      const bestEnd = best === undefined ? Infinity : best.at + best.stop.length;
      if (best === undefined || end < bestEnd || (end === bestEnd && at < best.at)) best = { stop, at };
    }
    if (best === undefined) return;
    this.stoppedBy = best.stop;
    this.text = this.text.slice(0, this.includeStop ? best.at + best.stop.length : best.at);
  }

  private certain(): number {
    if (this.includeStop) return this.text.length;
    for (let length = Math.min(this.longestStop - 1, this.text.length); length > 0; length--) {
      const tail = this.text.slice(-length);
      if (this.stops.some((stop) => stop.startsWith(tail))) return this.text.length - length;
    }
    return this.text.length;
  }
}
