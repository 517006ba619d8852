// The little that the tree of @lezer/python does not say by itself: its nodes have children, and commas stand among them.
import type { SyntaxNode } from "@lezer/common";

export function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling)
    if (child.name !== "Comment") found.push(child);
  return found;
}

export const textOfNode = (node: SyntaxNode, source: string): string => source.slice(node.from, node.to);

/** The pieces between marks of this name; a mark at the end opens no further piece. */
export function splitAt(nodes: readonly SyntaxNode[], mark: string): SyntaxNode[][] {
  const pieces: SyntaxNode[][] = [[]];
  for (const node of nodes) {
    if (node.name === mark) pieces.push([]);
    else pieces.at(-1)?.push(node);
  }
  if (pieces.length > 1 && pieces.at(-1)?.length === 0) pieces.pop();
  return pieces;
}

/** Without brackets at both ends; the last may be missing in broken code. */
export function inside(nodes: readonly SyntaxNode[]): SyntaxNode[] {
  const closing = nodes.at(-1)?.name;
  return nodes.slice(1, closing !== undefined && [")", "]", "}"].includes(closing) ? -1 : undefined);
}

/** The text between the quotes; escapes stay as they are written. */
export function unquoted(literal: string): string {
  let start = 0;
  while (start < literal.length && literal[start] !== "'" && literal[start] !== '"') start++;
  const quote = literal[start] ?? "";
  const marks = literal.startsWith(quote.repeat(3), start) ? 3 : 1;
  return literal.slice(start + marks, Math.max(start + marks, literal.length - marks));
}

/** Whether a node of this name stands anywhere in it. */
export function holds(node: SyntaxNode, name: string): boolean {
  let found = false;
  node.cursor().iterate((at) => {
    found ||= at.name === name;
    return !found;
  });
  return found;
}
