// Typed reading of fields from an untrusted JSON object. Every message names the file, the path of the field, the rule
// and what was found, because model files come from many hands.
import { DataError } from "../../core/errors.ts";

export class FieldReader {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #path: string;

  private constructor(fields: Readonly<Record<string, unknown>>, path: string) {
    this.#fields = fields;
    this.#path = path;
  }

  /** @throws DataError when `json` is not an object. */
  static of(json: unknown, path: string): FieldReader {
    if (typeof json !== "object" || json === null || Array.isArray(json))
      throw new DataError(`${path} must be a JSON object, got ${shown(json)}`);
    return new FieldReader(json as Record<string, unknown>, path);
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined && this.#fields[name] !== null;
  }

  object(name: string): FieldReader {
    return FieldReader.of(this.#fields[name], `${this.#path}: ${name}`);
  }

  optionalObject(name: string): FieldReader | undefined {
    return this.has(name) ? this.object(name) : undefined;
  }

  number(name: string, fallback?: number): number {
    if (!this.has(name) && fallback !== undefined) return fallback;
    const value = this.#fields[name];
    if (typeof value !== "number" || !Number.isFinite(value)) throw this.#bad(name, "a finite number", value);
    return value;
  }

  /** An integer of 1 or more. */
  positive(name: string, fallback?: number): number {
    const value = this.number(name, fallback);
    if (!Number.isInteger(value) || value < 1) throw this.#bad(name, "an integer >= 1", value);
    return value;
  }

  /** A token id: an integer of 0 or more. `fallback` is asked only when the field is missing. */
  tokenId(name: string, fallback?: () => number): number {
    if (!this.has(name) && fallback !== undefined) return fallback();
    const value = this.number(name);
    if (!Number.isInteger(value) || value < 0) throw this.#bad(name, "a token id (integer >= 0)", value);
    return value;
  }

  text(name: string, fallback?: string): string {
    if (!this.has(name) && fallback !== undefined) return fallback;
    const value = this.#fields[name];
    if (typeof value !== "string") throw this.#bad(name, "a string", value);
    return value;
  }

  flag(name: string, fallback?: boolean): boolean {
    if (!this.has(name) && fallback !== undefined) return fallback;
    const value = this.#fields[name];
    if (typeof value !== "boolean") throw this.#bad(name, "true or false", value);
    return value;
  }

  integers(name: string): number[] {
    const value = this.#fields[name];
    if (!Array.isArray(value) || !value.every((n) => Number.isInteger(n) && n >= 0))
      throw this.#bad(name, "a list of integers >= 0", value);
    return value as number[];
  }

  numbers(name: string): number[] {
    const value = this.#fields[name];
    if (!Array.isArray(value) || !value.every((n) => typeof n === "number" && Number.isFinite(n)))
      throw this.#bad(name, "a list of numbers", value);
    return value as number[];
  }

  list(name: string): unknown[] {
    const value = this.#fields[name];
    if (!Array.isArray(value)) throw this.#bad(name, "a list", value);
    return value;
  }

  /** The raw entries of an object field, for maps with free keys. */
  entries(name: string): [string, unknown][] {
    this.object(name);
    return Object.entries(this.#fields[name] as Record<string, unknown>);
  }

  #bad(name: string, rule: string, value: unknown): DataError {
    return new DataError(`${this.#path}: ${name} must be ${rule}, got ${shown(value)}`);
  }
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing (the field is missing)";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
