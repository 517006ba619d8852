// Every attack of the suite.
import type { Attack } from "./attack.ts";
import { CRASH } from "./crash.ts";
import { DOS } from "./dos.ts";
import { EXEC } from "./exec.ts";
import { FIGURES } from "./figures.ts";
import { FORGED } from "./forge.ts";
import { INTEGRITY, RCE } from "./integrity.ts";
import { KERNEL } from "./kernel.ts";
import { MEMORY } from "./memory.ts";
import { NET } from "./net.ts";
import { PERSIST, STDIN, USABILITY } from "./persist.ts";
import { READ } from "./read.ts";
import { READ_OTHERS } from "./readOthers.ts";
import { TAMPER } from "./tamper.ts";
import { TIME } from "./time.ts";
import { WRITE } from "./write.ts";

export const ATTACKS: readonly Attack[] = [
  ...READ,
  ...READ_OTHERS,
  ...WRITE,
  ...NET,
  ...EXEC,
  ...RCE,
  ...DOS,
  ...MEMORY,
  ...FIGURES,
  ...TIME,
  ...CRASH,
  ...TAMPER,
  ...FORGED,
  ...INTEGRITY,
  ...PERSIST,
  ...STDIN,
  ...KERNEL,
  ...USABILITY,
];
