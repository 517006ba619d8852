// Whether a server answers as the hub does: its client takes that for granted.
import { DataError } from "../../core/errors.ts";

/** Whether an answer, read as JSON, is what was asked for. */
export type Shape = (answer: unknown) => boolean;

/** About a data set. */
export const isInfo: Shape = (answer) => isRecord(answer) && typeof answer["id"] === "string";

/** A page of the files of a data set. */
export const isListing: Shape = (answer) =>
  Array.isArray(answer) &&
  answer.every(
    (entry) => isRecord(entry) && typeof entry["type"] === "string" && typeof entry["path"] === "string",
  );

/** The same requests; an answer that is none of the hub's is a DataError that says so. */
export function answering(request: typeof fetch, shape: Shape, hubUrl: string): typeof fetch {
  return async (input, init) => {
    const response = await request(input, init);
    if (!response.ok) return response;
    const text = await response.text();
    if (!shape(parsed(text)))
      throw new DataError(
        `${hubUrl} does not answer as a hub does: ${response.url} gave ${shown(text)}; name the hub's own address, without a ` +
          "path behind it, with --hub or HF_ENDPOINT",
      );
    const { status, headers } = response;
    return new Response(text, { status, headers });
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function shown(text: string): string {
  return text === "" ? "nothing" : JSON.stringify(text.length <= 80 ? text : `${text.slice(0, 77)}...`);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
