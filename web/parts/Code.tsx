// Python with its syntax in colour. A parser that survives any mistake gives the pieces, and each becomes a text node:
// nothing that a model wrote is ever taken for markup.
import { classHighlighter, highlightCode } from "@lezer/highlight";
import { parser } from "@lezer/python";
import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";

/** More than that is shown plainly: parsing takes time, and nobody wrote it to be read. */
const longest = 60_000;

export function Code({ code, label }: { readonly code: string; readonly label: string }) {
  const pieces = useMemo(() => highlighted(code), [code]);
  return (
    <pre class="code" tabIndex={0} role="region" aria-label={label} data-own-arrows>
      <code>{pieces}</code>
    </pre>
  );
}

function highlighted(code: string): ComponentChildren[] {
  if (code.length > longest) return [code];
  const pieces: ComponentChildren[] = [];
  highlightCode(
    code,
    parser.parse(code),
    classHighlighter,
    (text, classes) => pieces.push(classes === "" ? text : <span class={classes}>{text}</span>),
    () => pieces.push("\n"),
  );
  return pieces;
}
