// The Python tool: opening a session with a 1280x960 picture, and the calls that the mini policy makes.
import { loadConfig } from "../src/runs/config.ts";
import { startPythonRuntime } from "../src/sandbox/forkServer.ts";
import { timeRounds } from "./rounds.ts";

const RECIPE = new URL("../configs/image-mini.yaml", import.meta.url).pathname;
const LOOK = "plt.imshow(image_clue_0.crop((304,224,336,256)))\nplt.show()";

export async function benchPython(): Promise<string> {
  const { matplotlibRc } = loadConfig(RECIPE).python;
  const runtime = await startPythonRuntime({ matplotlibRc });
  const image = { width: 1280, height: 960, data: new Uint8Array(1280 * 960 * 3).fill(90) };
  const session = await runtime.open({ images: [image] });
  const call = (name: string, code: string) => ({
    name,
    units: 1,
    unit: "calls",
    run: async () => void (await session.run(code)),
  });
  const lines = await timeRounds(
    [
      {
        name: "open a session with a picture, close it",
        units: 1,
        unit: "sessions",
        run: async () => (await runtime.open({ images: [image] })).close(),
      },
      call("print(1)", "print(1)"),
      call("crop and show", LOOK),
      {
        name: "32 sessions, each opened, 2 looks, closed",
        units: 64,
        unit: "looks",
        run: async () => {
          const episode = async (): Promise<void> => {
            const own = await runtime.open({ images: [image] });
            await own.run(LOOK);
            await own.run(LOOK);
            await own.close();
          };
          await Promise.all(Array.from({ length: 32 }, episode));
        },
      },
    ],
    15,
  );
  await runtime.close();
  return lines;
}
