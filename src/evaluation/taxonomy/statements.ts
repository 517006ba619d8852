// Statements in the order they stand in. Branches are all read, loops once, functions where they are called.
import type { SyntaxNode } from "@lezer/common";
import { bindParameters, evaluate, evaluateAll, indexParts, iterated, parameters } from "./expressions.ts";
import { symbol } from "./names.ts";
import { binary } from "./operators.ts";
import { DEEPEST } from "./session.ts";
import type { Context } from "./session.ts";
import type { IndexPart } from "./subscripts.ts";
import { children, holds, splitAt, textOfNode } from "./syntax.ts";
import { bindNames } from "./targets.ts";
import { asPicture } from "./cell.ts";
import { elementOf, join, listOf, NONE, UNKNOWN } from "./values.ts";
import type { FunctionValue, Picture, Value } from "./values.ts";

export function run(node: SyntaxNode, context: Context): void {
  const { session } = context;
  if (session.depth >= DEEPEST) return;
  session.depth++;
  try {
    statement(node, context);
  } finally {
    session.depth--;
  }
}

function runAll(nodes: readonly SyntaxNode[], context: Context): void {
  for (const node of nodes) run(node, context);
}

function statement(node: SyntaxNode, context: Context): void {
  const parts = children(node);
  switch (node.name) {
    case "AssignStatement":
      return assign(parts, context);
    case "UpdateStatement":
      return update(parts, context);
    case "ForStatement":
      return loop(parts, context);
    case "IfStatement":
    case "WhileStatement":
    case "TryStatement":
    case "MatchStatement":
    case "MatchBody":
    case "MatchClause":
      return branches(parts, context);
    case "WithStatement":
      return within(parts, context);
    case "FunctionDefinition":
      return define(parts, context);
    case "ClassDefinition":
      return defineClass(parts, context);
    case "ImportStatement":
      return bring(parts, context);
    case "ScopeStatement":
      for (const part of parts)
        if (part.name === "VariableName") context.scope.declareGlobal(textOfNode(part, context.source));
      return;
    case "ReturnStatement": {
      const value = parts.length > 1 ? evaluateAll(parts.slice(1), context) : NONE;
      context.returned?.push(value);
      return;
    }
    case "YieldStatement":
      context.returned?.push(listOf(evaluateAll(parts.slice(1), context)));
      return;
    case "Body":
    case "StatementGroup":
    case "DecoratedStatement":
    case "Script":
    case "⚠":
      return runAll(parts, context);
    default:
      if (node.name.endsWith("Statement")) {
        for (const part of parts) evaluate(part, context);
      } else if (node.firstChild !== null || node.name === "VariableName") evaluate(node, context);
  }
}

function assign(parts: readonly SyntaxNode[], context: Context): void {
  const pieces = splitAt(
    parts.filter((part) => part.name !== "TypeDef"),
    "AssignOp",
  );
  const values = pieces.pop();
  if (values === undefined || pieces.length === 0) return;
  const value = evaluateAll(values, context);
  for (const targets of pieces)
    bindNames(targets, value, context, (target, part) => assignInto(target, part, context));
}

/** `a[…] = value` and `a.b = value`. */
function assignInto(target: SyntaxNode, value: Value, context: Context): void {
  const [object, mark, ...rest] = children(target);
  if (object === undefined || target.name !== "MemberExpression") return;
  const base = evaluate(object, context);
  if (mark?.name !== "[") {
    const property = rest.find((part) => part.name === "PropertyName");
    if (base.type === "instance" && property !== undefined)
      base.fields.set(textOfNode(property, context.source), value);
    return;
  }
  const parts = indexParts(rest.at(-1)?.name === "]" ? rest.slice(0, -1) : rest, context);
  const { cell } = context.session;
  if (base.type === "list") {
    base.element = join(base.element, value);
    base.items = undefined;
  } else if (base.type === "helper" && base.kind === "pixelAccess") cell.add("draw");
  else if (base.type === "picture" && base.form !== "mask" && base.form !== "pixels")
    paint(object, base, parts, value, context);
  else if (base.type === "numbers") {
    // A canvas of numbers that gets pixels is a picture from then on.
    const piece = asPicture(value);
    if (piece === undefined || piece.form === "pixels") return;
    if (piece.form !== "mask") cell.add("transform");
    rename(object, { ...piece, form: "array", dims: {} }, context);
  }
}

function paint(
  object: SyntaxNode,
  base: Picture,
  parts: readonly IndexPart[],
  value: Value,
  context: Context,
): void {
  const { cell } = context.session;
  const places = parts[0]?.type === "ellipsis" ? [] : parts.slice(0, 2);
  const masked = places.some((part) => part.type === "index" && part.value.type === "picture");
  const placed = places.some((part) => part.type === "index" || (part.type === "slice" && part.bounded));
  const piece = asPicture(value);
  if (masked) cell.add("segment");
  else if (placed) cell.add(piece !== undefined && piece.form !== "pixels" ? "transform" : "draw");
  else if (parts.length > places.length) rename(object, { ...base, adjusted: true }, context);
}

function rename(object: SyntaxNode, value: Value, { scope, source }: Context): void {
  if (object.name === "VariableName") scope.set(textOfNode(object, source), value);
}

function update(parts: readonly SyntaxNode[], context: Context): void {
  const [target, operator, ...values] = parts;
  if (target === undefined || operator === undefined) return;
  const value = evaluateAll(values, context);
  const symbol_ = textOfNode(operator, context.source).slice(0, -1);
  if (target.name === "VariableName") {
    const result = binary(evaluate(target, context), symbol_, value, context.session.cell);
    context.scope.set(textOfNode(target, context.source), result);
    return;
  }
  const [object] = children(target);
  const base = object === undefined ? UNKNOWN : evaluate(object, context);
  if (base.type !== "picture") binary(evaluate(target, context), symbol_, value, context.session.cell);
  else if (object !== undefined && base.form !== "mask") rename(object, { ...base, adjusted: true }, context);
}

function loop(parts: readonly SyntaxNode[], context: Context): void {
  const from = parts.findIndex((part) => part.name === "for");
  const to = parts.findIndex((part) => part.name === "in");
  const bodies = parts.filter((part) => part.name === "Body");
  const firstBody = parts.findIndex((part) => part.name === "Body");
  const sources = parts.slice(to + 1, firstBody === -1 ? undefined : firstBody);
  const [source] = sources;
  const value =
    sources.length === 1 && source !== undefined ? iterated(source, context) : evaluateAll(sources, context);
  if (value.type !== "picture" && value.type !== "video" && value.type !== "axesGrid" && !holdsPicture(value))
    context.session.cell.calculates();
  const inner = { ...context, scope: context.scope.branch() };
  bindNames(parts.slice(from + 1, to), elementOf(value), inner);
  runAll(bodies, inner);
  context.scope.merge(inner.scope);
}

/** Going through pictures or axes is no arithmetic. */
function holdsPicture(value: Value): boolean {
  const element = elementOf(value);
  const parts = element.type === "tuple" ? element.items : [element];
  return parts.some((part) => part.type === "picture" || part.type === "axes" || part.type === "text");
}

function branches(parts: readonly SyntaxNode[], context: Context): void {
  for (const part of parts) {
    if (part.name === "Body") {
      const inner = { ...context, scope: context.scope.branch() };
      run(part, inner);
      context.scope.merge(inner.scope);
    } else if (part.name === "MatchBody" || part.name === "MatchClause") run(part, context);
    else if (!part.name.endsWith("Pattern")) evaluate(part, context);
  }
}

function within(parts: readonly SyntaxNode[], context: Context): void {
  let value: Value = UNKNOWN;
  for (const [i, part] of parts.entries()) {
    if (part.name === "Body") run(part, context);
    else if (parts[i - 1]?.name === "as") bindNames([part], value, context);
    else if (part.name !== "as" && part.name !== "with") value = evaluate(part, context);
  }
}

function define(parts: readonly SyntaxNode[], context: Context): void {
  const name = parts.find((part) => part.name === "VariableName");
  const body = parts.find((part) => part.name === "Body");
  const params = parts.find((part) => part.name === "ParamList");
  if (name === undefined || body === undefined) return;
  const names = params === undefined ? [] : parameters(params, context);
  const made: FunctionValue = {
    type: "function",
    compares: () => holds(body, "CompareOp"),
    call: (args) => {
      const scope = context.scope.inner();
      const returned: Value[] = [];
      bindParameters(names, args, (parameter, value) => scope.set(parameter, value));
      run(body, { ...context, scope, returned });
      return returned.reduce(join, UNKNOWN);
    },
  };
  context.scope.set(textOfNode(name, context.source), made);
}

function defineClass(parts: readonly SyntaxNode[], context: Context): void {
  const name = parts.find((part) => part.name === "VariableName");
  const body = parts.find((part) => part.name === "Body");
  if (name === undefined) return;
  const members = context.scope.inner();
  if (body !== undefined) run(body, { ...context, scope: members });
  context.scope.set(textOfNode(name, context.source), {
    type: "class",
    member: (member) => members.own(member),
  });
}

/** `import a.b as c, d`, `from a.b import c as d, e`, `from a import *`. */
function bring(parts: readonly SyntaxNode[], { scope, session, source }: Context): void {
  const importAt = parts.findIndex((part) => part.name === "import");
  const from = parts[0]?.name === "from";
  const module = from ? dotted(parts.slice(1, importAt), source) : "";
  const names = parts.slice(importAt + 1).filter((part) => part.name !== "(" && part.name !== ")");
  if (from && names.some((part) => part.name === "*")) {
    session.starred.unshift(module);
    return;
  }
  for (const piece of splitAt(names, ",")) {
    const asAt = piece.findIndex((part) => part.name === "as");
    const path = dotted(asAt === -1 ? piece : piece.slice(0, asAt), source);
    if (path === "") continue;
    const alias = asAt === -1 ? undefined : piece[asAt + 1];
    const full = from ? `${module}.${path}` : path;
    if (alias !== undefined) scope.set(textOfNode(alias, source), symbol(full));
    else if (from) scope.set(path, symbol(full));
    else {
      const first = path.split(".")[0] ?? path;
      scope.set(first, symbol(first));
    }
  }
}

const dotted = (parts: readonly SyntaxNode[], source: string): string =>
  parts
    .filter((part) => part.name === "VariableName")
    .map((part) => textOfNode(part, source))
    .join(".");
