// Everything an idle runtime holds open (process, sockets) is unreferenced, so that a program that forgot to close it
// can still end. While somebody waits for an answer, this keeps the event loop alive instead.

export class Expired extends Error {}

/** The promise itself, kept alive and limited in time. @throws Expired after `limitMs`. */
export async function awake<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expiry = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Expired(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, expiry]);
  } finally {
    clearTimeout(timer);
  }
}
