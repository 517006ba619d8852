import assert from "node:assert/strict";
import test from "node:test";
import { crc32c, maskedCrc32c } from "./crc32c.ts";

const bytes = (length: number, value: (i: number) => number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => value(i));

test("the vectors of RFC 3720, appendix B.4", () => {
  assert.equal(crc32c(bytes(32, () => 0)), 0x8a9136aa);
  assert.equal(crc32c(bytes(32, () => 0xff)), 0x62a8ab43);
  assert.equal(crc32c(bytes(32, (i) => i)), 0x46dd794e);
  assert.equal(crc32c(bytes(32, (i) => 31 - i)), 0x113fdb5c);
  const scsiRead =
    "01c00000 00000000 00000000 00000000 14000000 00000400 00000014 00000018 28000000 00000000 02000000 00000000";
  assert.equal(crc32c(Buffer.from(scsiRead.replaceAll(" ", ""), "hex")), 0xd9963a56);
});

test("the check value of the CRC catalogue, and nothing at all", () => {
  assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(0)), 0);
});

test("the mask turns and adds: of no bytes it is the constant alone, and it wraps at 32 bits", () => {
  assert.equal(maskedCrc32c(new Uint8Array(0)), 0xa282ead8);
  // 0xe3069283 turned right by 15 bits is 0x2507c60d; and 0x2507c60d + 0xa282ead8 = 0xc78ab0e5.
  assert.equal(maskedCrc32c(Buffer.from("123456789")), 0xc78ab0e5);
  // 0x8a9136aa turned is 0x6d551522, and the sum 0x10fd7fffa loses its 33rd bit.
  assert.equal(maskedCrc32c(bytes(32, () => 0)), 0x0fd7fffa);
});
