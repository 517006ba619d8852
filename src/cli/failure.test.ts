import assert from "node:assert/strict";
import { test } from "node:test";
import { CommanderError } from "commander";
import { ConfigError, EngineError, PyVisionError } from "../core/errors.ts";
import { describeFailure } from "./failure.ts";

test("a config error is 2, other errors of ours 1, and both are one message", () => {
  assert.deepEqual(describeFailure(new ConfigError("seed must be"), false), {
    message: "error: seed must be",
    exitCode: 2,
  });
  assert.deepEqual(describeFailure(new EngineError("no weights"), false), {
    message: "error: no weights",
    exitCode: 1,
  });
});

test("what is our own fault, or nobody's of ours, points to --debug", () => {
  const hint = "\n(run again with --debug for the stack)";
  assert.equal(describeFailure(new PyVisionError("internal: x"), false).message, `error: internal: x${hint}`);
  assert.equal(
    describeFailure(new TypeError("x is undefined"), false).message,
    `error: TypeError: x is undefined${hint}`,
  );
  assert.deepEqual(describeFailure("text", false), { message: "error: text", exitCode: 1 });
});

test("with debug the stack and its causes follow", () => {
  const error = new EngineError("outer", { cause: new TypeError("inner") });
  assert.match(
    describeFailure(error, true).message ?? "",
    /^error: EngineError: outer\n\s+at .*\ncaused by: TypeError: inner\n/s,
  );
});

test("the command line's own errors have been said already", () => {
  assert.deepEqual(describeFailure(new CommanderError(0, "commander.help", ""), false), {
    message: undefined,
    exitCode: 0,
  });
  assert.deepEqual(describeFailure(new CommanderError(1, "commander.unknownOption", ""), false), {
    message: undefined,
    exitCode: 2,
  });
});
