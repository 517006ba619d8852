// The page as two texts, script and style, bundled from web/ when it is first asked for and kept in memory.
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

export interface PageBundle {
  readonly script: string;
  readonly style: string;
}

let bundle: Promise<PageBundle> | undefined;

export function pageBundle(): Promise<PageBundle> {
  return (bundle ??= buildPage());
}

async function buildPage(): Promise<PageBundle> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("../../web/main.tsx", import.meta.url))],
    outdir: "page",
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "utf8",
    jsx: "automatic",
    jsxImportSource: "preact",
    legalComments: "none",
    logLevel: "silent",
  });
  const textOf = (ending: string): string =>
    outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  return { script: textOf(".js"), style: textOf(".css") };
}
