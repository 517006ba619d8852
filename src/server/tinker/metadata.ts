// What clients note beside their runs and checkpoints. It is written to disk, read again and listed, and means nothing here.
import { HttpError } from "../http.ts";

export type UserMetadata = Readonly<Record<string, unknown>>;

/** Objects and lists within one another; writers of JSON are recursive. */
const MAX_DEPTH = 16;
/** As JSON. Lists of runs and checkpoints have all of it. */
const MAX_CHARACTERS = 65_536;

/** @throws HttpError (400) when it is nested too deeply, or too long */
export function checkMetadata(metadata: UserMetadata | undefined): UserMetadata | undefined {
  if (metadata === undefined) return undefined;
  let level: unknown[] = [metadata];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH)
      throw new HttpError(`user_metadata: must be nested at most ${MAX_DEPTH} deep; send it as one text`, {
        status: 400,
      });
    level = level.flatMap((value): unknown[] =>
      typeof value === "object" && value !== null ? Object.values(value) : [],
    );
  }
  const { length } = JSON.stringify(metadata);
  if (length > MAX_CHARACTERS)
    throw new HttpError(
      `user_metadata: must be at most ${MAX_CHARACTERS} characters of JSON, got ${length}`,
      {
        status: 400,
      },
    );
  return metadata;
}
