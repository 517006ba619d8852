// The local runtime keeps the contract.
import { CONFORMANCE_OPTIONS, defineConformance } from "./conformance.ts";
import { startPythonRuntime } from "./forkServer.ts";

defineConformance("the local runtime", () => startPythonRuntime(CONFORMANCE_OPTIONS));
