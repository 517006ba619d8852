// Ends this process when the one that started it is gone. `npm start` and bin/pyvision.mjs start the command as a child; who
// kills them with SIGKILL means the command, which nobody else would tell.
import { Socket } from "node:net";

const VARIABLE = "PYVISION_LIFELINE";

/** Holds on to the pipe whose number the environment names; without one, does nothing. Keeps no process alive. */
export function holdLifeline(
  env: NodeJS.ProcessEnv = process.env,
  gone: () => void = () => process.exit(1),
): void {
  const descriptor = Number(env[VARIABLE]);
  delete env[VARIABLE]; // not for the processes started from here
  if (!Number.isInteger(descriptor) || descriptor < 3) return;
  try {
    const pipe = new Socket({ fd: descriptor, readable: true, writable: false });
    pipe
      .on("error", () => undefined)
      .on("close", gone)
      .resume();
    pipe.unref();
  } catch {
    // no such descriptor: started otherwise, with the variable left over
  }
}
