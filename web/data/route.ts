// The address after "#": which page, of what. Everything a person would want to send to another stands in it, so that a
// link opens the same step, trajectory or filter.
import { signal } from "@preact/signals";

export const pages = ["runs", "curves", "strategy", "trajectories", "trajectory", "compare"] as const;
export type PageName = (typeof pages)[number];

export interface Route {
  readonly page: PageName;
  readonly params: Readonly<Record<string, string>>;
}

export const route = signal<Route>(parseRoute(location.hash));
addEventListener("hashchange", () => (route.value = parseRoute(location.hash)));

export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const page = pages.find((name) => name === path) ?? "curves";
  return { page, params: Object.fromEntries(new URLSearchParams(query)) };
}

/** Undefined and empty parameters are left out; slashes and commas stay readable. */
export function hrefOf(
  page: PageName,
  params: Readonly<Record<string, string | number | undefined>>,
): string {
  const query = Object.entries(params)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(
      ([name, value]) =>
        `${name}=${encodeURIComponent(String(value)).replace(/%2F/g, "/").replace(/%2C/g, ",")}`,
    );
  return `#/${page}${query.length > 0 ? `?${query.join("&")}` : ""}`;
}

/** A new entry in the browser's history. */
export function go(page: PageName, params: Readonly<Record<string, string | number | undefined>>): void {
  location.hash = hrefOf(page, params);
}

/** Changes parameters of the page that is open, in place: going back leaves the page. */
export function adjust(changes: Readonly<Record<string, string | number | undefined>>): void {
  const { page, params } = route.value;
  const hash = hrefOf(page, { ...params, ...changes });
  history.replaceState(null, "", hash);
  route.value = parseRoute(hash);
}
