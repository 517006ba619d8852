// Whose requests a server on one's own machine takes. A web page of anybody's can have a name that its owner turns into this
// machine's address (DNS rebinding); its requests then come as from the same origin, but name another host.

export interface HostName {
  /** In lower case, an IPv6 address without its brackets. */
  readonly name: string;
  /** Undefined when it is left out. */
  readonly port: number | undefined;
}

/** Of a Host header, `name`, `name:port` or `[address]:port`; undefined for what is none. */
export function parseHost(header: string | undefined): HostName | undefined {
  const [, name, port] = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d+))?$/.exec(header ?? "") ?? [];
  if (name === undefined) return undefined;
  return { name: bare(name), port: port === undefined ? undefined : Number(port) };
}

/** Names that never mean another machine. */
export function isLoopback(name: string): boolean {
  return ["localhost", "::1"].includes(bare(name)) || /^127(\.\d{1,3}){3}$/.test(name);
}

/** Whether it names this machine: by a loopback name, or as the server was told to listen (`host`). */
export function isOwnName(name: string, host: string): boolean {
  return isLoopback(name) || bare(name) === bare(host);
}

function bare(name: string): string {
  return name.replace(/^\[|\]$/g, "").toLowerCase();
}
