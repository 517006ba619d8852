// What a growing sequence has gained since its keys and values were last computed.
import { segmentLength } from "../../core/datum.ts";
import { EngineError } from "../../core/errors.ts";
import type { ViewImage } from "../../core/trajectory.ts";
import type { SampleRequest } from "../engine.ts";

export interface Pending {
  /** Tokens without cached keys, placeholders expanded; never empty. */
  readonly tokens: readonly number[];
  /** Images whose placeholders are among them. */
  readonly images: readonly ViewImage[];
}

/** What a sequence has gained beyond its first `cached` tokens. */
export function pendingTokens(request: SampleRequest, cached: number, imagePadId: number): Pending {
  const tokens: number[] = [];
  const images: ViewImage[] = [];
  let at = 0;
  for (const segment of request.segments) {
    const end = at + segmentLength(segment);
    if (end > cached) {
      if (segment.type === "image") {
        if (at < cached)
          throw new Error(
            `internal: "${request.sequenceId}" changed: its cache of ${cached} tokens ends inside an image`,
          );
        images.push(segment.image);
        for (let i = at; i < end; i++) tokens.push(imagePadId);
      } else tokens.push(...segment.tokens.slice(Math.max(0, cached - at)));
    }
    at = end;
  }
  if (tokens.length === 0)
    throw new EngineError(
      `sampling "${request.sequenceId}": its ${at} tokens are all cached; give it at least one new token`,
    );
  return { tokens, images };
}
