// The names a zod schema knows, so that an unknown key can be answered with the nearest valid one. Reads the schema's
// own definition; nothing is listed twice.
import { distance } from "fastest-levenshtein";
import type { z } from "zod";

/** A schema without its default, optional and read-only wrappers. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  let inner = schema;
  for (;;) {
    const def = inner._zod.def as { readonly innerType?: z.core.$ZodType };
    if (def.innerType === undefined) return inner;
    inner = def.innerType;
  }
}

function shapesOf(schema: z.core.$ZodType): readonly Readonly<Record<string, z.core.$ZodType>>[] {
  const def = unwrap(schema)._zod.def as {
    readonly type: string;
    readonly shape?: Record<string, z.core.$ZodType>;
    readonly options?: readonly z.core.$ZodType[];
    readonly element?: z.core.$ZodType;
  };
  if (def.type === "object") return [def.shape ?? {}];
  if (def.element !== undefined) return shapesOf(def.element);
  return (def.options ?? []).flatMap(shapesOf);
}

/** Key names valid inside the section at `path`; of a union, those of all its members; of a list, those of its entries. */
export function namesAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  const [head, ...rest] = path;
  if (typeof head === "number") return namesAt(schema, rest);
  const shapes = shapesOf(schema);
  if (head === undefined) return [...new Set(shapes.flatMap((shape) => Object.keys(shape)))];
  const names = shapes.flatMap((shape) => {
    const child = Object.hasOwn(shape, head) ? shape[String(head)] : undefined;
    return child === undefined ? [] : namesAt(child, rest);
  });
  return [...new Set(names)];
}

/** Every dotted path of the schema, sections and leaves. */
export function allPaths(schema: z.core.$ZodType, prefix = ""): string[] {
  const paths = shapesOf(schema).flatMap((shape) =>
    Object.entries(shape).flatMap(([key, child]) => [
      `${prefix}${key}`,
      ...allPaths(child, `${prefix}${key}.`),
    ]),
  );
  return [...new Set(paths)];
}

/**
 * The candidate with the fewest edits, case ignored first (`Seed` is `seed`), the earlier one of equals; undefined when
 * none is nearer than about half of its letters.
 */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestEdits = Infinity;
  for (const candidate of candidates) {
    const edits = distance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < bestEdits) [best, bestEdits] = [candidate, edits];
  }
  return best !== undefined && bestEdits <= Math.max(1, Math.ceil(Math.max(name.length, best.length) / 2))
    ? best
    : undefined;
}
