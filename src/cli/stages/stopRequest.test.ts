import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { listenForStop } from "./stopRequest.ts";

function listening() {
  const signals = new EventEmitter();
  const said: string[] = [];
  const exits: number[] = [];
  const reporter = { info: (text: string) => void said.push(text) };
  const stop = listenForStop(reporter, "this step is done and saved", signals, (code) => exits.push(code));
  return { signals, said, exits, stop };
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

test("SIGTERM asks, however often it comes; Ctrl-C after it ends it", () => {
  const { signals, said, exits, stop } = listening();
  signals.emit("SIGTERM");
  signals.emit("SIGTERM");
  assert.deepEqual([stop.asked, said.length, exits], [true, 1, []]);
  signals.emit("SIGINT");
  assert.deepEqual(exits, [130]);
});

test("closed, it hears nothing", () => {
  const { signals, stop } = listening();
  stop.close();
  assert.equal(signals.listenerCount("SIGINT") + signals.listenerCount("SIGTERM"), 0);
});
