/** A node of a syntax tree, as far as it is looked at. */
export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly loc: { readonly start: { readonly line: number } };
  readonly [name: string]: unknown;
}

/** Visits every node, parents first. `false` leaves out what is below. */
export function walk(node: Node, visit: (node: Node, parent: Node | undefined) => boolean, parent?: Node): void {
  if (!visit(node, parent)) return;
  for (const [name, value] of Object.entries(node)) {
    if (name === 'loc' || name.endsWith('Comments')) continue;
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, visit, node);
  }
}

export function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

/** The name of an identifier. */
export function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === 'Identifier' ? (node['name'] as string) : undefined;
}

/** The properties of an object that is written out, by name; `undefined` when one of them is something else. */
export function propertiesOf(node: unknown): ReadonlyMap<string, Node> | undefined {
  if (!isNode(node) || node.type !== 'ObjectExpression') return undefined;
  const found = new Map<string, Node>();
  for (const property of node['properties'] as Node[]) {
    const key = property['key'] as Node | undefined;
    const name = nameOf(key) ?? (key?.type === 'StringLiteral' ? (key['value'] as string) : undefined);
    if (property.type !== 'ObjectProperty' || property['computed'] === true || name === undefined) return undefined;
    found.set(name, property['value'] as Node);
  }
  return found;
}

/** What a decorator is called, and with what. */
export function decoratorCall(decorator: Node): { readonly name: string; readonly args: readonly Node[] } | undefined {
  const expression = decorator['expression'] as Node;
  if (expression.type !== 'CallExpression') return undefined;
  const name = nameOf(expression['callee']);
  return name === undefined ? undefined : { name, args: expression['arguments'] as Node[] };
}
