// Archives for tests, written out as PKWARE's APPNOTE 4.3 describes them; what they say of themselves need not be true.
import { crc32, deflateRawSync } from "node:zlib";

export interface ZipEntry {
  readonly name: string;
  readonly content: string | Uint8Array;
  /** Unix file type and permissions. */
  readonly mode?: number;
  /** Told instead of the real one. */
  readonly size?: number;
  readonly checksum?: number;
}

export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const local: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, content, mode = 0o100644, size, checksum } of entries) {
    const raw = Buffer.from(content);
    const packed = deflateRawSync(raw);
    const path = Buffer.from(name);
    const about = Buffer.alloc(26);
    about.writeUInt16LE(20, 0); // version needed
    about.writeUInt16LE(0x800, 2); // names are UTF-8
    about.writeUInt16LE(8, 4); // deflated
    about.writeUInt32LE(checksum ?? crc32(raw), 10);
    about.writeUInt32LE(packed.length, 14);
    about.writeUInt32LE(size ?? raw.length, 18);
    about.writeUInt16LE(path.length, 22);
    local.push(Buffer.from("PK\x03\x04", "latin1"), about, path, packed);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((mode << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    // "Made by" Unix, 3, in the upper byte.
    central.push(Buffer.from("PK\x01\x02\x14\x03", "latin1"), about, rest, path);
    offset += 4 + about.length + path.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}
