// Data order as a pure function of (seed, position): a resumed run needs one number, the cursor, to draw what it would
// have drawn.
import { DataError } from "../core/errors.ts";
import { randomStream } from "../core/random.ts";
import type { Task, TaskSource } from "../core/task.ts";

/** The task at each position of an endless walk: a new shuffle every epoch; a generator is read straight through. */
export function taskOrder(source: TaskSource, seed: number): (position: number) => Task {
  const { size } = source;
  if (!(size > 0)) throw new DataError(`task source ${source.name}: size must be positive, received ${size}`);
  if (size === Infinity) return (position) => source.at(position);
  let epoch = -1;
  let order: readonly number[] = [];
  return (position) => {
    const wanted = Math.floor(position / size);
    if (wanted !== epoch) {
      epoch = wanted;
      order = randomStream(seed, "taskOrder", epoch).shuffle(Array.from({ length: size }, (_, i) => i));
    }
    return source.at(order[position % size] as number);
  };
}
