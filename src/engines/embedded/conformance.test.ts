import { defineEngineConformance } from "../conformance.ts";
import { EmbeddedEngine } from "./embeddedEngine.ts";
import { smallEngine } from "./testModel.ts";

defineEngineConformance("EmbeddedEngine", (dir) =>
  dir === undefined ? smallEngine() : EmbeddedEngine.load(dir, { threads: 1 }),
);
