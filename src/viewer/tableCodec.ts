// The figures of many trajectories as bytes, for a page that filters a quarter of a million of them: typed arrays that
// the page looks at in place, after a short JSON head with the groups. 25 bytes a trajectory.
//
// A block is one set: [u32 bytes of the head][head, padded with spaces to a multiple of 4][columns, widest first], and
// several blocks follow each other, each after [u32 bytes of the block].

/** One group of a set; its rows are `start <= row < start + count`. */
export interface TableGroup {
  readonly task: string;
  readonly kind: string;
  readonly question: string;
  /** NaN (null in JSON) when unknown. */
  readonly spread: number | null;
  /** Empty when unknown. */
  readonly fate: string;
  readonly start: number;
  readonly count: number;
}

/** Figures of one trajectory. */
export interface TableRow {
  /** NaN: not scored. */
  readonly reward: number;
  /** NaN: none, or not known. */
  readonly advantage: number;
  readonly tokens: number;
  readonly calls: number;
  readonly effective: number;
  readonly errors: number;
  readonly turns: number;
  readonly member: number;
  /** Undefined: undecided. */
  readonly accuracy: 0 | 1 | undefined;
  readonly end: string;
  /** Empty when unknown. */
  readonly fate: string;
}

export interface SetTable {
  /** Name of the set. */
  readonly set: string;
  readonly groups: readonly TableGroup[];
  readonly length: number;
  /** Of the first so many, everything is stored. */
  readonly stored: number;
  readonly ends: readonly string[];
  readonly fates: readonly string[];
  readonly reward: Float32Array;
  readonly advantage: Float32Array;
  readonly tokens: Uint32Array;
  readonly calls: Uint16Array;
  readonly effective: Uint16Array;
  readonly errors: Uint16Array;
  readonly turns: Uint16Array;
  readonly member: Uint16Array;
  /** 0 wrong, 1 right, 2 undecided. */
  readonly accuracy: Uint8Array;
  /** Position in `ends`. */
  readonly end: Uint8Array;
  /** Position in `fates`. */
  readonly fate: Uint8Array;
}

export const undecidedCode = 2;

type Head = Pick<SetTable, "set" | "groups" | "length" | "stored" | "ends" | "fates">;

export interface TableGroupRows extends Omit<TableGroup, "start" | "count"> {
  readonly rows: readonly TableRow[];
}

/** @param stored how many rows, from the first on, are stored in full */
export function encodeTable(set: string, groups: readonly TableGroupRows[], stored: number): Uint8Array {
  const rows = groups.flatMap((group) => group.rows);
  const ends = [...new Set(rows.map(({ end }) => end))];
  const fates = [...new Set(rows.map(({ fate }) => fate))];
  let start = 0;
  const heads = groups.map(({ rows: own, ...group }): TableGroup => {
    start += own.length;
    return { ...group, start: start - own.length, count: own.length };
  });
  const head: Head = { set, groups: heads, length: rows.length, stored, ends, fates };
  const json = new TextEncoder().encode(JSON.stringify(head));
  const headBytes = padded(json.length);
  const bytes = new Uint8Array(4 + headBytes + padded(rows.length * 25));
  new DataView(bytes.buffer).setUint32(0, headBytes, true);
  bytes.fill(32, 4, 4 + headBytes);
  bytes.set(json, 4);
  const table = columnsOf(bytes.buffer, 4 + headBytes, head);
  const whole = (value: number, most: number): number => Math.max(0, Math.min(most, Math.round(value)));
  rows.forEach((row, i) => {
    table.reward[i] = row.reward;
    table.advantage[i] = row.advantage;
    table.tokens[i] = whole(row.tokens, 0xffffffff);
    for (const name of ["calls", "effective", "errors", "turns", "member"] as const)
      table[name][i] = whole(row[name], 0xffff);
    table.accuracy[i] = row.accuracy ?? undecidedCode;
    table.end[i] = ends.indexOf(row.end);
    table.fate[i] = fates.indexOf(row.fate);
  });
  return bytes;
}

/** Blocks one after another, each behind its length. */
export function joinTables(blocks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(blocks.reduce((n, block) => n + 4 + block.length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const block of blocks) {
    view.setUint32(at, block.length, true);
    bytes.set(block, at + 4);
    at += 4 + block.length;
  }
  return bytes;
}

/** Tables that look into `buffer`; little-endian machines only, as every browser's is. */
export function decodeTables(buffer: ArrayBuffer): SetTable[] {
  const view = new DataView(buffer);
  const tables: SetTable[] = [];
  for (let at = 0; at < buffer.byteLength;) {
    const start = at + 4;
    const headBytes = view.getUint32(start, true);
    const json = new TextDecoder().decode(new Uint8Array(buffer, start + 4, headBytes));
    tables.push(columnsOf(buffer, start + 4 + headBytes, JSON.parse(json) as Head));
    at = start + view.getUint32(at, true);
  }
  return tables;
}

/** The group that row `row` belongs to. */
export function groupOfRow({ groups }: Pick<SetTable, "groups">, row: number): TableGroup | undefined {
  let low = 0;
  let high = groups.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((groups[middle] as TableGroup).start <= row) low = middle;
    else high = middle - 1;
  }
  return groups[low];
}

function columnsOf(buffer: ArrayBufferLike, offset: number, head: Head): SetTable {
  const n = head.length;
  let at = offset;
  const next = (bytes: number): number => (at += bytes * n) - bytes * n;
  return {
    ...head,
    reward: new Float32Array(buffer, next(4), n),
    advantage: new Float32Array(buffer, next(4), n),
    tokens: new Uint32Array(buffer, next(4), n),
    calls: new Uint16Array(buffer, next(2), n),
    effective: new Uint16Array(buffer, next(2), n),
    errors: new Uint16Array(buffer, next(2), n),
    turns: new Uint16Array(buffer, next(2), n),
    member: new Uint16Array(buffer, next(2), n),
    accuracy: new Uint8Array(buffer, next(1), n),
    end: new Uint8Array(buffer, next(1), n),
    fate: new Uint8Array(buffer, next(1), n),
  };
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
