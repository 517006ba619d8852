import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback, isOwnName, parseHost } from "./ownHost.ts";

test("a Host header is a name with or without a port", () => {
  assert.deepEqual(parseHost("Box.lan:80"), { name: "box.lan", port: 80 });
  assert.deepEqual(parseHost("[FE80::1]"), { name: "fe80::1", port: undefined });
  for (const none of [undefined, "", ":80", "a:b", "a:1:2", "[::1", "[::1]x"])
    assert.equal(parseHost(none), undefined, none);
});

test("this machine is its loopback names and the one it was told", () => {
  for (const name of ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1", "[::1]"])
    assert.equal(isLoopback(name), true, name);
  for (const name of ["localhost.example", "127.0.0.1.example", "128.0.0.1", "127.0.0.1:80", "10.0.0.1", ""])
    assert.equal(isLoopback(name), false, name);
  assert.equal(isOwnName("box.lan", "Box.LAN"), true);
  assert.equal(isOwnName("other.lan", "box.lan"), false);
});
