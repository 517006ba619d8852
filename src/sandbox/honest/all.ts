// Every honest program, for every kind of runtime.
import { LANGUAGE } from "./language.ts";
import { NUMBERS } from "./numbers.ts";
import { PICTURES } from "./pictures.ts";
import { PLOTS } from "./plots.ts";
import type { HonestProgram } from "./program.ts";
import { SYSTEM } from "./system.ts";
import { VIDEO } from "./video.ts";

export const HONEST_PROGRAMS: readonly HonestProgram[] = [
  ...PICTURES,
  ...PLOTS,
  ...NUMBERS,
  ...LANGUAGE,
  ...SYSTEM,
  ...VIDEO,
];
