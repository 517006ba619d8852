// The list that was last looked at, so that an open trajectory has a next and a previous one.
import type { RowList } from "./filters.ts";

export interface Walk {
  readonly runKey: string;
  readonly rows: RowList;
  /** Address of the list itself. */
  readonly href: string;
  /** Name and length, for a person. */
  readonly label: string;
}

let last: Walk | undefined;

export function setWalk(walk: Walk): void {
  last = walk;
}

/** The list, and where in it this trajectory stands; undefined when it is not in it. */
export function walkAround(
  runKey: string,
  set: string,
  row: number,
): { readonly walk: Walk; readonly at: number } | undefined {
  if (last?.runKey !== runKey) return undefined;
  const at = last.rows.indexOf(set, row);
  return at < 0 ? undefined : { walk: last, at };
}
