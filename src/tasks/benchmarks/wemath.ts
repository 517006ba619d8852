import type { BenchmarkLoader } from "./item.ts";

export const wemath: BenchmarkLoader = {
  name: "wemath",
  title: "We-Math",
  splits: ["testmini"],
  open: () => {
    throw new Error("to be written");
  },
};
