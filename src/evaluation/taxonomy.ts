// What the agent's Python code did, read from its syntax tree without running it: no word in a comment or text counts, values
// are followed through names, aliases of imports, functions and the calls of one trajectory.
//
// What it cannot know: sizes that are computed while running, which branch ran, what a program of another file does. Then it
// takes the plain case: both branches, loops once, and no category for what may be nothing. Code that does not parse never
// ran; it is read as far as it can be, as what was tried.
import { parser } from "@lezer/python";
import type { CodeCategory } from "./taxonomy/categories.ts";
import { Session } from "./taxonomy/session.ts";
import { run } from "./taxonomy/statements.ts";

export { CODE_CATEGORIES } from "./taxonomy/categories.ts";
export type { CodeCategory } from "./taxonomy/categories.ts";

/** Longer code is read up to here, in UTF-16 units: a model that writes more repeats itself. */
const LONGEST = 200_000;

/** The categories of one call of the tool, in the order of CODE_CATEGORIES; never empty. Never throws. */
export function classifyCode(code: string): readonly CodeCategory[] {
  return classify(code, new Session());
}

/** The calls of one trajectory in their order: names of one are known in the next. @returns one entry a call */
export function classifyTrajectory(codes: readonly string[]): readonly (readonly CodeCategory[])[] {
  const session = new Session();
  return codes.map((code) => classify(code, session));
}

function classify(code: string, session: Session): readonly CodeCategory[] {
  const source = code.slice(0, LONGEST);
  const cell = session.nextCell();
  run(parser.parse(source).topNode, { session, source, scope: session.globals });
  return cell.categories();
}
