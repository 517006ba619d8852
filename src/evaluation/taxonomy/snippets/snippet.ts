// A program as a policy writes it, one call of the tool, with what it does: for the tests.
import type { CodeCategory } from "../categories.ts";

export interface Snippet {
  readonly name: string;
  readonly code: string;
  readonly expected: readonly CodeCategory[];
}

/** @param expected categories with blanks between, in their order */
export const of = (expected: string, name: string, ...lines: readonly string[]): Snippet => ({
  name,
  code: lines.join("\n"),
  expected: expected.split(" ") as CodeCategory[],
});
