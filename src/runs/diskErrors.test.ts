import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { ConfigError, DataError } from "../core/errors.ts";
import { diskRemedy, explainDiskError } from "./diskErrors.ts";

function thrown(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return assert.fail("nothing was thrown");
}

test("a disk that is full, for real: which path, why, what to do, and what holds", () => {
  const error = thrown(() => writeFileSync("/dev/full", "x"));
  const said = explainDiskError(error, "/runs/mine", "checkpoints are intact");
  assert.ok(said instanceof DataError && said.cause === error);
  assert.equal(
    said.message,
    "/runs/mine cannot be written, the disk is full: free some space; checkpoints are intact " +
      "(ENOSPC: no space left on device, write)",
  );
});

test("the path of the error is named when it has one; wrapped errors are looked into", () => {
  const readOnly = Object.assign(new Error("EROFS: read-only file system, open"), {
    code: "EROFS",
    path: "/ro/a",
  });
  assert.match(
    (explainDiskError(readOnly, "/runs", "nothing was begun") as Error).message,
    /^\/ro\/a cannot be written, the file system is read-only: name a directory elsewhere; nothing was begun/,
  );
  assert.match(diskRemedy(new Error("saving failed", { cause: readOnly })) ?? "", /read-only/);
});

test("what is no fault of the disk, and what has been explained, stays as it is", () => {
  for (const error of [new TypeError("boom"), new ConfigError("x"), "text", undefined])
    assert.equal(explainDiskError(error, "/runs", ""), error);
  assert.equal(diskRemedy(Object.assign(new Error("no"), { code: "ENOENT" })), undefined);
});
