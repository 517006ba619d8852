// How a library is told: what its functions do, by name.
import type { CodeCategory } from "../categories.ts";
import { pictureIn } from "../cell.ts";
import type { Cell } from "../cell.ts";
import { picture, plain } from "../values.ts";
import type { Arguments, Picture, Value } from "../values.ts";

export interface Use {
  readonly args: Arguments;
  readonly cell: Cell;
  /** Calls a value as a function: callbacks. */
  readonly apply: (target: Value, positional: readonly Value[]) => Value;
}

export type Handler = (use: Use) => Value;

export type Library = ReadonlyMap<string, Handler>;

/** Names separated by blanks, all of which do the same. */
export const named = (names: string, handler: Handler): [string, Handler][] =>
  names.split(" ").map((name) => [name, handler]);

/** The picture that is worked on; where nothing is known of it, one all the same: the function takes nothing else. */
export const subject = ({ args }: Use, form: Picture["form"] = "array"): Picture =>
  pictureIn(args) ?? picture(form);

/** Does this to a picture and gives the new one. */
export const does =
  (category: CodeCategory, form?: Picture["form"]): Handler =>
  (use) => {
    use.cell.add(category);
    return plain(subject(use), form);
  };

/** Does this to a picture and gives something else. */
export const gives =
  (category: CodeCategory, value: Value): Handler =>
  ({ cell }) => {
    cell.add(category);
    return value;
  };

export const same: Handler = (use) => subject(use);

/** Changes its colours, which counts when somebody looks. */
export const adjusts: Handler = (use) => ({ ...subject(use), adjusted: true });

export const constant =
  (value: Value): Handler =>
  () =>
    value;
