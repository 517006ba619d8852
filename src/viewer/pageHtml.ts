// The document around the page, and what it may do: its own script and style, pictures, and, when a server gives it, its
// data from that server. Everything else is refused by the browser, whatever a model wrote.
import { createHash } from "node:crypto";
import type { PageBundle } from "./pageBundle.ts";

/** A magnifying glass on a square: the tool of the trade. Inline, since a page in a file has no other files. */
const icon =
  "data:image/svg+xml," +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#3a4fd0"/>' +
      '<circle cx="14" cy="14" r="6" fill="none" stroke="#fff" stroke-width="3"/>' +
      '<path d="M18.5 18.5 25 25" stroke="#fff" stroke-width="3" stroke-linecap="round"/></svg>',
  );

/** Sent as a header with the served page. */
export const servedPolicy = policy({
  script: "'self'",
  style: "'self'",
  images: "'self' data:",
  connect: "'self'",
});

export function servedHtml(): string {
  return page({
    head: '<link rel="stylesheet" href="/page.css">',
    body: '<script src="/page.js"></script>',
  });
}

/**
 * The page in one file.
 * @param blocks texts by the ids that the page looks for; none may hold "<"
 */
export function embeddedHtml(
  { script, style }: PageBundle,
  blocks: Readonly<Record<string, string>>,
): string {
  const safeScript = script.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
  const safeStyle = style.replaceAll("</style", "<\\/style");
  const rules = policy({
    script: `'sha256-${sha256(safeScript)}'`,
    style: `'sha256-${sha256(safeStyle)}'`,
    images: "data:",
    connect: "'none'",
  });
  const data = Object.entries(blocks).map(([id, text]) => {
    if (text.includes("<")) throw new Error(`internal: embedded block ${id} must be escaped`);
    return `<script type="application/octet-stream" id="${id}">${text}</script>`;
  });
  return page({
    head: `<meta http-equiv="Content-Security-Policy" content="${rules}">\n<style>${safeStyle}</style>`,
    body: `${data.join("\n")}\n<script>${safeScript}</script>`,
  });
}

/** JSON that may stand inside a script element. */
export function embeddedJson(value: unknown): string {
  return JSON.stringify(value).replaceAll("<", "\\u003c");
}

function page({ head, body }: { readonly head: string; readonly body: string }): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>PyVision runs</title>
<link rel="icon" href="${icon}">
${head}
</head>
<body>
<div id="page"><noscript>This page needs JavaScript.</noscript></div>
${body}
</body>
</html>
`;
}

function policy(allowed: {
  readonly script: string;
  readonly style: string;
  readonly images: string;
  readonly connect: string;
}): string {
  const { script, style, images, connect } = allowed;
  return [
    "default-src 'none'",
    `script-src ${script}`,
    `style-src ${style}`,
    `img-src ${images}`,
    `connect-src ${connect}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

function sha256(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("base64");
}
