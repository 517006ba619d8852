// `npm run bench [engine|python]`: how fast the two halves of a step are on this machine. Medians of interleaved rounds;
// figures without a peer are for watching our own changes, not for claims.
import { cpus, loadavg } from "node:os";
import { benchEngine } from "./engine.ts";
import { benchPython } from "./python.ts";

const benches = { engine: benchEngine, python: benchPython } as const;
const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !(name in benches));
if (unknown.length > 0) {
  process.stderr.write(
    `bench: no benchmark named ${unknown.join(", ")}; there are ${Object.keys(benches).join(", ")}\n`,
  );
  process.exit(2);
}
process.stdout.write(
  `${cpus()[0]?.model ?? "unknown CPU"}, ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1) ?? "?"}\n`,
);
for (const [name, bench] of Object.entries(benches))
  if (asked.length === 0 || asked.includes(name)) process.stdout.write(`\n${name}\n${await bench()}\n`);
