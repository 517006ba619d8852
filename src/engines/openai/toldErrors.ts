// What servers say when they refuse, brought into the protocol's own form. The official client reads `{"error": {...}}` and
// drops every other body, but SGLang and older vLLM say `{"message": ...}`, FastAPI `{"detail": ...}`.

/** `fetch` whose refusals hold their words where the official client looks for them. */
export async function withToldErrors(...[url, init]: Parameters<typeof fetch>): Promise<Response> {
  const response = await fetch(url, init);
  if (response.ok) return response;
  const text = await response.text();
  const { status, statusText, headers } = response;
  const plain = new Headers(headers);
  // The body that follows is neither packed nor as long any more.
  for (const name of ["content-encoding", "content-length"]) plain.delete(name);
  return new Response(toldError(text), { status, statusText, headers: plain });
}

/** The body of a refusal with an `error` in it; other text as it is. */
export function toldError(text: string): string {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return text;
  }
  if (typeof body !== "object" || body === null || ("error" in body && Boolean(body.error))) return text;
  const { message, detail, param, code } = body as Readonly<Record<string, unknown>>;
  const words = message ?? detail ?? body;
  return JSON.stringify({
    error: { message: typeof words === "string" ? words : JSON.stringify(words), param, code },
  });
}
