// What commands that serve something until they are stopped have in common.
import { InvalidArgumentError } from "commander";

/** A second one, while requests are being ended, stops the process as usual. */
export function nextStopSignal(): Promise<void> {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  return new Promise((resolve) => {
    const stop = (): void => {
      for (const signal of signals) process.off(signal, stop);
      resolve();
    };
    for (const signal of signals) process.on(signal, stop);
  });
}

/** Reads the value of an option. */
export function parseWhole(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value > most)
      throw new InvalidArgumentError(`Must be a whole number from 0 to ${most}.`);
    return value;
  };
}
