import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { listenForStop } from "./stopRequest.ts";

function listening() {
  const signals = new EventEmitter();
  const said: string[] = [];
  const exits: number[] = [];
  const reporter = { info: (text: string) => void said.push(text) };
  const clock = { ms: 5 };
  const until = "this step is done and saved";
  const stop = listenForStop(reporter, until, signals, (code) => exits.push(code), () => clock.ms); // prettier-ignore
  return { signals, said, exits, stop, clock };
}

test("the first Ctrl-C asks and says what a second would do; the second ends it with 130", () => {
  const { signals, said, exits, stop } = listening();
  assert.equal(stop.asked, false);
  signals.emit("SIGINT");
  assert.equal(stop.asked, true);
  assert.deepEqual(said, ["Ctrl-C: stopping when this step is done and saved; Ctrl-C again stops at once"]);
  assert.deepEqual(exits, []);
  signals.emit("SIGINT");
  assert.deepEqual(exits, [130]);
});

test("the second SIGTERM ends it with 143, as does either signal after the other", () => {
  const { signals, said, exits, stop, clock } = listening();
  signals.emit("SIGTERM");
  assert.deepEqual([stop.asked, exits], [true, []]);
  clock.ms += 999;
  signals.emit("SIGTERM"); // passed on by a launcher
  assert.deepEqual(exits, []);
  clock.ms += 1;
  signals.emit("SIGTERM");
  signals.emit("SIGINT");
  assert.deepEqual(said, ["SIGTERM: stopping when this step is done and saved; SIGTERM again stops at once"]);
  assert.deepEqual(exits, [143, 130]);
  const other = listening();
  other.signals.emit("SIGINT");
  other.clock.ms += 1000;
  other.signals.emit("SIGTERM");
  assert.deepEqual([other.said.length, other.exits], [1, [143]]);
});

test("closed, it hears nothing", () => {
  const { signals, stop } = listening();
  stop.close();
  assert.equal(signals.listenerCount("SIGINT") + signals.listenerCount("SIGTERM"), 0);
});

test("a process that goes on working ends at the second SIGTERM", async () => {
  const program = `
import { listenForStop } from ${JSON.stringify(new URL("stopRequest.ts", import.meta.url).href)};
listenForStop({ info: (text) => process.stdout.write(text) });
setInterval(() => {}, 1000);
process.stdout.write("ready");`;
  const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const ended = once(child, "exit");
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    assert.match(String((await once(child.stdout, "data"))[0]), /^SIGTERM: stopping when/);
    await sleep(1100);
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [143, null]);
  } finally {
    child.kill("SIGKILL");
  }
});
