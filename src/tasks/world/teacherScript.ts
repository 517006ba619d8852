// What the teacher says, turn by turn, as a generator of texts: the last one holds the answer.
import { ConfigError } from "../../core/errors.ts";
import type { Random } from "../../core/random.ts";
import { answerBlock, codeBlock, cropCaption, discCaption, lookCode, lookTurn } from "./phrases.ts";
import { answerOf, beadAt, validAnswers } from "./scene.ts";
import type { Scene } from "./scene.ts";
import { PLACES } from "./vocabulary.ts";
import type { Place } from "./vocabulary.ts";

export interface TeacherBehaviour {
  /** Share of episodes that are impatient; the others never give up, so that every depth is shown. */
  readonly impatient: number;
  /** In an impatient episode: probability, before each look that is needed, of a uniform guess instead. */
  readonly giveUp: number;
  /** Probability that a `look` task starts with another place. */
  readonly wrongPlace: number;
  /** Probability that a trajectory's first cell uses an undefined name, which the next turn repairs. */
  readonly pythonError: number;
  /** Order of a scan over places: cyclic reading order from a random start, or a random permutation. */
  readonly order: "reading" | "random";
  /** Tool calls an episode allows: no mistake is made that would leave too few of them. */
  readonly maxCalls: number;
  /** Probability, when the answer is known, of another look at any place; asked again after it while calls are left. */
  readonly needless: number;
}

export const DEFAULT_BEHAVIOUR: TeacherBehaviour = {
  impatient: 1,
  giveUp: 0.35,
  wrongPlace: 0.05,
  pythonError: 0.05,
  order: "reading",
  maxCalls: 4,
  needless: 0,
};

/** With defaults for what is left out. @throws ConfigError for a probability outside [0, 1]. */
export function checkedBehaviour(options: Partial<TeacherBehaviour>): TeacherBehaviour {
  const behaviour = { ...DEFAULT_BEHAVIOUR, ...options };
  for (const field of ["impatient", "giveUp", "wrongPlace", "pythonError", "needless"] as const)
    if (!(behaviour[field] >= 0 && behaviour[field] <= 1))
      throw new ConfigError(
        `teacher.${field} must be a probability, got ${behaviour[field]}; use 0 to switch it off`,
      );
  return behaviour;
}

/** The turns of one episode. @throws ConfigError for a probability outside [0, 1]. */
export function* teacherScript(
  scene: Scene,
  random: Random,
  options: Partial<TeacherBehaviour> = {},
): Generator<string, undefined> {
  const behaviour = checkedBehaviour(options);

  if (scene.kind === "plain") {
    const seen = scene.disc === undefined ? "" : discCaption(scene.disc.colour);
    yield* answerAtLeisure(scene, seen, behaviour.maxCalls, behaviour, random);
    return;
  }

  // Drawn only where it matters, so that a world of impatient teachers keeps its streams.
  const giveUp = behaviour.impatient === 1 || random.next() < behaviour.impatient ? behaviour.giveUp : 0;
  const needed = neededLooks(scene, behaviour.order, random);
  const spare = behaviour.maxCalls - needed.length;
  const mistake = spare > 0 ? drawMistake(scene, behaviour, random) : undefined;
  let seen = 0;
  let said = "";
  for (const [i, place] of needed.entries()) {
    if (random.next() < giveUp) {
      yield `${said}Guess.${answerBlock(random.pick(validAnswers(scene)))}`;
      return;
    }
    if (i === 0 && mistake === "wrongPlace") {
      yield lookTurn(random.pick(PLACES.filter((other) => other !== place)));
      said = "Wrong place. ";
    }
    if (i === 0 && mistake === "pythonError") {
      yield `Look ${place}.${codeBlock(lookCode(place, "img"))}`;
      yield `Fix the name.${codeBlock(lookCode(place))}`;
    } else {
      yield said + lookTurn(place);
    }
    const bead = beadAt(scene, place);
    if (bead !== undefined) seen++;
    said = `${cropCaption(bead)} `;
    if (scene.kind === "count") said += `${seen} so far. `;
  }
  if (scene.kind === "compare") said += answerOf(scene) === "yes" ? "Same." : "Different.";
  const spent = needed.length + (mistake === undefined ? 0 : 1);
  yield* answerAtLeisure(scene, said, behaviour.maxCalls - spent, behaviour, random);
}

/** The answer, which is known, perhaps after looks that nobody needs. @param calls that are left */
function* answerAtLeisure(
  scene: Scene,
  known: string,
  calls: number,
  { needless }: TeacherBehaviour,
  random: Random,
): Generator<string, undefined> {
  let said = known.trimEnd();
  // Drawn only where it is asked for, so that other teachers keep their streams.
  for (let left = calls; needless > 0 && left > 0 && random.next() < needless; left--) {
    const place = random.pick(PLACES.slice(0, scene.placesInUse));
    yield `${said} ${lookTurn(place)}`.trimStart();
    said = cropCaption(beadAt(scene, place));
  }
  yield said + answerBlock(answerOf(scene));
}

/** The places to look at, in order, until the question can be answered. */
function neededLooks(scene: Scene, order: TeacherBehaviour["order"], random: Random): readonly Place[] {
  if (scene.kind === "look" || scene.kind === "compare") return scene.asked;
  const inUse = PLACES.slice(0, scene.placesInUse);
  const start = random.below(inUse.length);
  const scan = order === "random" ? random.shuffle(inUse) : [...inUse.slice(start), ...inUse.slice(0, start)];
  if (scene.kind === "count") return scan;
  return scan.slice(0, scan.findIndex((place) => beadAt(scene, place) !== undefined) + 1);
}

function drawMistake(
  scene: Scene,
  behaviour: TeacherBehaviour,
  random: Random,
): "wrongPlace" | "pythonError" | undefined {
  const wrongPlace = random.next() < behaviour.wrongPlace;
  const pythonError = random.next() < behaviour.pythonError;
  if (wrongPlace && scene.kind === "look") return "wrongPlace";
  return pythonError ? "pythonError" : undefined;
}
