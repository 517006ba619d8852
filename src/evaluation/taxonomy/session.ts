// What lives on from call to call of one trajectory, and where a reader of code stands.
import { Cell } from "./cell.ts";
import { Scope } from "./scope.ts";
import type { Value } from "./values.ts";

/** Expressions nested deeper are left unread: nobody writes them, and the stack must hold. */
export const DEEPEST = 250;
/** Functions that call functions, likewise. */
export const DEEPEST_CALL = 12;
/** Pieces of syntax read again because their function is called again, a call of the tool. What is over is not entered. */
const BUDGET = 100_000;

export class Session {
  readonly globals = new Scope();
  /** Modules of `from … import *`, the last first. */
  readonly starred: string[] = [];
  cell = new Cell();
  budget = BUDGET;
  /** Functions entered just now. */
  calls = 0;
  /** Of nested syntax, functions that were entered included. */
  depth = 0;

  nextCell(): Cell {
    this.budget = BUDGET;
    this.calls = 0;
    this.depth = 0;
    this.cell = new Cell();
    return this.cell;
  }
}

export interface Context {
  readonly session: Session;
  /** The text that the nodes point into. */
  readonly source: string;
  readonly scope: Scope;
  /** What the function that is being read gives back; absent outside functions. */
  readonly returned?: Value[];
}
