// `a, (b, c) = value`: names get their part of a value. Targets with an index or attribute are the statements' own.
import type { SyntaxNode } from "@lezer/common";
import { DEEPEST } from "./session.ts";
import type { Context } from "./session.ts";
import { children, inside, splitAt, textOfNode } from "./syntax.ts";
import { itemAt, listOf, elementOf } from "./values.ts";
import type { Value } from "./values.ts";

/** @param others takes the targets that are no names */
export function bindNames(
  targets: readonly SyntaxNode[],
  value: Value,
  context: Context,
  others?: (target: SyntaxNode, value: Value) => void,
): void {
  const { session } = context;
  if (session.depth >= DEEPEST) return;
  session.depth++;
  const several = targets.some((node) => node.name === ",");
  for (const [i, piece] of splitAt(targets, ",").entries()) {
    const [first, second] = piece;
    if (first === undefined) continue;
    if (first.name === "*" && second !== undefined) {
      bindNames([second], listOf(elementOf(value)), context, others);
      continue;
    }
    const part = several ? itemAt(value, i) : value;
    if (first.name === "VariableName") context.scope.set(textOfNode(first, context.source), part);
    else if (first.name === "TupleExpression" || first.name === "ArrayExpression")
      bindNames([...inside(children(first))], part, context, others);
    else if (first.name === "ParenthesizedExpression")
      bindNames(inside(children(first)), part, context, others);
    else others?.(first, part);
  }
  session.depth--;
}
