// What an expression gives, and, on the way, what it does to pictures.
import type { SyntaxNode } from "@lezer/common";
import { attributeOf } from "./attributes.ts";
import { call } from "./calls.ts";
import { nameValue } from "./names.ts";
import { binary, negated } from "./operators.ts";
import { DEEPEST } from "./session.ts";
import type { Context } from "./session.ts";
import { taken } from "./subscripts.ts";
import type { IndexPart } from "./subscripts.ts";
import { children, holds, inside, splitAt, textOfNode, unquoted } from "./syntax.ts";
import { bindNames } from "./targets.ts";
import { elementOf, join, list, listOf, NONE, NUMBER, TEXT, UNKNOWN } from "./values.ts";
import type { Arguments, Value } from "./values.ts";

export function evaluate(node: SyntaxNode, context: Context): Value {
  const { session } = context;
  if (session.depth >= DEEPEST) return UNKNOWN;
  if (session.calls > 0) session.budget--;
  session.depth++;
  try {
    return read(node, context);
  } finally {
    session.depth--;
  }
}

/** Of `a, b`: a tuple; of one expression: its value. */
export function evaluateAll(nodes: readonly SyntaxNode[], context: Context): Value {
  if (nodes.length === 1) return evaluate(nodes[0] as SyntaxNode, context);
  const items = splitAt(nodes, ",").flatMap((piece) => spread(piece, context));
  return { type: "tuple", items };
}

function read(node: SyntaxNode, context: Context): Value {
  const { source, session } = context;
  const text = (): string => textOfNode(node, source);
  switch (node.name) {
    case "VariableName":
      return nameValue(text(), context);
    case "Number": {
      const value = Number(text().replaceAll("_", ""));
      return Number.isFinite(value) ? { type: "number", value } : NUMBER;
    }
    case "Boolean":
      return { type: "number", value: text() === "True" ? 1 : 0 };
    case "None":
      return NONE;
    case "String":
      return { type: "text", value: unquoted(text()) };
    case "ContinuedString":
    case "FormatString":
      readParts(node, context);
      return TEXT;
    case "ParenthesizedExpression":
      return evaluateAll(inside(children(node)), context);
    case "TupleExpression":
      return { type: "tuple", items: bracketed(node, context) };
    case "ArrayExpression":
    case "SetExpression":
      return list(bracketed(node, context));
    case "DictionaryExpression": {
      const pieces = splitAt(inside(children(node)), ",");
      return listOf(list(pieces.map((pair) => last(pair.map((part) => evaluate(part, context))))).element);
    }
    case "ArrayComprehensionExpression":
    case "SetComprehensionExpression":
    case "ComprehensionExpression":
    case "DictionaryComprehensionExpression":
      return comprehension(inside(children(node)), context);
    case "MemberExpression":
      return member(node, context);
    case "CallExpression":
      return called(node, context);
    case "BinaryExpression": {
      const [left, operator, right] = children(node);
      if (left === undefined || right === undefined || operator === undefined) return UNKNOWN;
      const lastPart = children(node).at(-1) as SyntaxNode;
      const values = [evaluate(left, context), evaluate(lastPart, context)] as const;
      return binary(values[0], textOfNode(operator, source), values[1], session.cell);
    }
    case "UnaryExpression": {
      const [operator, operand] = children(node);
      if (operator === undefined || operand === undefined) return UNKNOWN;
      return negated(textOfNode(operator, source), evaluate(operand, context), session.cell);
    }
    case "ConditionalExpression": {
      const values = children(node)
        .filter((child) => child.name !== "if" && child.name !== "else")
        .map((child) => evaluate(child, context));
      return join(values[0] ?? UNKNOWN, values[2] ?? UNKNOWN);
    }
    case "NamedExpression": {
      const [name, , ...values] = children(node);
      const value = evaluateAll(values, context);
      if (name?.name === "VariableName") context.scope.set(textOfNode(name, source), value);
      return value;
    }
    case "LambdaExpression":
      return lambda(node, context);
    case "AwaitExpression":
    case "YieldExpression":
      return readParts(node, context);
    case "⚠":
      return readParts(node, context);
    default:
      return node.firstChild === null ? UNKNOWN : readParts(node, context);
  }
}

/** All that stands in it is evaluated. @returns the last value */
function readParts(node: SyntaxNode, context: Context): Value {
  return last(children(node).map((child) => evaluate(child, context)));
}

const last = (values: readonly Value[]): Value => values.at(-1) ?? UNKNOWN;

function bracketed(node: SyntaxNode, context: Context): Value[] {
  return splitAt(inside(children(node)), ",").flatMap((piece) => spread(piece, context));
}

/** One item between commas; `*items` gives as many as are known. */
function spread(piece: readonly SyntaxNode[], context: Context): Value[] {
  const [first, ...rest] = piece;
  if (first === undefined) return [];
  if (first.name !== "*") return [last(piece.map((part) => evaluate(part, context)))];
  const value = last(rest.map((part) => evaluate(part, context)));
  if (value.type === "tuple") return [...value.items];
  return value.type === "list" && value.items !== undefined ? value.items : [elementOf(value)];
}

function comprehension(parts: readonly SyntaxNode[], context: Context): Value {
  const inner = { ...context, scope: context.scope.branch() };
  const from = parts.findIndex((part) => part.name === "for" || part.name === "async");
  if (from === -1) return UNKNOWN;
  let reading: "targets" | "source" | "rest" = "rest";
  let targets: SyntaxNode[] = [];
  for (const part of parts.slice(from)) {
    if (part.name === "for") {
      reading = "targets";
      targets = [];
    } else if (part.name === "in" && reading === "targets") reading = "source";
    else if (reading === "targets") targets.push(part);
    else if (reading === "source") {
      bindNames(targets, elementOf(iterated(part, inner)), inner);
      reading = "rest";
    } else if (part.name !== "if" && part.name !== "async") evaluate(part, inner);
  }
  return listOf(last(parts.slice(0, from).map((part) => evaluate(part, inner))));
}

/** What a loop goes through; a video gives its frames. */
export function iterated(node: SyntaxNode, context: Context): Value {
  const value = evaluate(node, context);
  if (value.type === "video") context.session.cell.add("sampleFrames");
  return value;
}

function member(node: SyntaxNode, context: Context): Value {
  const parts = children(node);
  const [object, mark, ...rest] = parts;
  if (object === undefined) return UNKNOWN;
  const base = evaluate(object, context);
  if (mark?.name !== "[") {
    const property = parts.find((part) => part.name === "PropertyName");
    return property === undefined ? base : attributeOf(base, textOfNode(property, context.source));
  }
  const index = rest.at(-1)?.name === "]" ? rest.slice(0, -1) : rest;
  return taken(base, indexParts(index, context), indexText(index, context), context.session.cell);
}

export function indexText(index: readonly SyntaxNode[], { source }: Context): string {
  const [first, final] = [index[0], index.at(-1)];
  return first === undefined || final === undefined
    ? ""
    : source.slice(first.from, final.to).replaceAll(" ", "");
}

export function indexParts(nodes: readonly SyntaxNode[], context: Context): IndexPart[] {
  return splitAt(nodes, ",").map((piece): IndexPart => {
    const [first] = piece;
    if (first?.name === "Ellipsis") return { type: "ellipsis" };
    if (!piece.some((part) => part.name === ":")) {
      return { type: "index", value: last(piece.map((part) => evaluate(part, context))) };
    }
    const [start, stop, step] = piece
      .reduce<SyntaxNode[][]>(
        (bounds, part) => {
          if (part.name === ":") bounds.push([]);
          else bounds.at(-1)?.push(part);
          return bounds;
        },
        [[]],
      )
      .map((bound) => (bound.length === 0 ? NONE : last(bound.map((part) => evaluate(part, context)))));
    const given = (bound: Value | undefined): boolean => bound !== undefined && bound.type !== "none";
    const zero = start?.type === "number" && start.value === 0;
    return {
      type: "slice",
      bounded: (given(start) && !zero) || given(stop),
      backwards: step?.type === "number" && (step.value ?? 0) < 0,
    };
  });
}

function called(node: SyntaxNode, context: Context): Value {
  const [callee, list_] = children(node);
  if (callee === undefined) return UNKNOWN;
  const target = evaluate(callee, context);
  const args: Arguments =
    list_?.name === "ArgList" ? readArguments(list_, context) : { positional: [], named: new Map() };
  return call(target, args, context.session);
}

export function readArguments(node: SyntaxNode, context: Context): Arguments {
  const parts = inside(children(node));
  if (parts.some((part) => part.name === "for"))
    return { positional: [comprehension(parts, context)], named: new Map() };
  const positional: Value[] = [];
  const named = new Map<string, Value>();
  for (const piece of splitAt(parts, ",")) {
    const [name, mark, ...rest] = piece;
    if (mark?.name === "AssignOp" && name !== undefined)
      named.set(textOfNode(name, context.source), last(rest.map((part) => evaluate(part, context))));
    else if (name?.name === "**") last(piece.slice(1).map((part) => evaluate(part, context)));
    else positional.push(...spread(piece, context));
  }
  return { positional, named };
}

function lambda(node: SyntaxNode, context: Context): Value {
  const parts = children(node);
  const body = parts.at(-1);
  const params = parts.find((part) => part.name === "ParamList");
  if (body === undefined || body === params) return UNKNOWN;
  const names = params === undefined ? [] : parameters(params, context);
  return {
    type: "function",
    compares: () => holds(body, "CompareOp"),
    call: (args) => {
      const scope = context.scope.inner();
      bindParameters(names, args, (name, value) => scope.set(name, value));
      return evaluate(body, { ...context, scope });
    },
  };
}

export interface Parameter {
  readonly name: string;
  readonly kind: "plain" | "*" | "**";
  readonly fallback?: Value;
}

export function parameters(node: SyntaxNode, context: Context): Parameter[] {
  const parts = children(node);
  const bare = parts[0]?.name === "(" ? inside(parts) : parts;
  return splitAt(bare, ",").flatMap((piece): Parameter[] => {
    const name = piece.find((part) => part.name === "VariableName");
    if (name === undefined) return [];
    const kind = piece[0]?.name === "*" || piece[0]?.name === "**" ? piece[0].name : "plain";
    const equals = piece.findIndex((part) => part.name === "AssignOp");
    const fallback =
      equals === -1 ? undefined : last(piece.slice(equals + 1).map((part) => evaluate(part, context)));
    return [{ name: textOfNode(name, context.source), kind, ...(fallback !== undefined && { fallback }) }];
  });
}

export function bindParameters(
  names: readonly Parameter[],
  { positional, named }: Arguments,
  set: (name: string, value: Value) => void,
): void {
  let place = 0;
  for (const { name, kind, fallback } of names) {
    if (kind === "*") set(name, list(positional.slice(place)));
    else if (kind === "**") set(name, list([...named.values()]));
    else set(name, positional[place++] ?? named.get(name) ?? fallback ?? UNKNOWN);
  }
}
