import { isNode, type Node, nameOf, propertiesOf, walk } from './syntax.js';
import type { Work } from './work.js';

/**
 * Turns `AmqpConnection` that a constructor is given into `Publisher`, where everything that the class does with it has a
 * counterpart: `publish` without options, and `request`.
 */
export function convertConnections(program: Node, work: Work): void {
  walk(program, (node) => {
    if (node.type === 'ClassBody') convertClass(node, work);
    return true;
  });
}

interface Given {
  readonly name: string;
  /** Its type, as it is written. */
  readonly type: Node;
}

function convertClass(body: Node, work: Work): void {
  for (const given of connectionsOf(body, work)) {
    const uses = usesOf(body, given.name);
    const edits = uses.map(({ member, call }) => editOf(member, call, work));
    if (edits.includes(undefined)) {
      work.note(
        given.type,
        `${given.name} stays an AmqpConnection: Publisher has publish and request only, and other options`,
      );
      continue;
    }
    work.replace(given.type, 'Publisher');
    work.needs.leveret.add('Publisher');
    for (const edit of edits) edit?.();
    if (uses.some(({ member }) => member === 'publish')) {
      work.note(
        given.type,
        `${given.name}.publish rejects now when no queue is bound for a message; { mandatory: false } allows it`,
      );
    }
  }
}

function connectionsOf(body: Node, { imported }: Work): readonly Given[] {
  const made = (body['body'] as Node[]).find((node) => node['kind'] === 'constructor');
  return ((made?.['params'] ?? []) as Node[]).flatMap((parameter) => {
    if (parameter.type !== 'TSParameterProperty') return [];
    const inner = parameter['parameter'] as Node;
    const annotation = (inner['typeAnnotation'] as Node | undefined)?.['typeAnnotation'];
    const type = isNode(annotation) ? annotation['typeName'] : undefined;
    const [name, typeName] = [nameOf(inner), nameOf(type)];
    if (name === undefined || typeName === undefined || imported.names.get(typeName) !== 'AmqpConnection') return [];
    return [{ name, type: type as Node }];
  });
}

interface Use {
  /** `undefined` when it is not called. */
  readonly member: string | undefined;
  readonly call: Node | undefined;
}

function usesOf(body: Node, name: string): readonly Use[] {
  const uses: Use[] = [];
  const parents = new Map<Node, Node | undefined>();
  walk(body, (node, parent) => {
    parents.set(node, parent);
    const isIt =
      node.type === 'MemberExpression' &&
      (node['object'] as Node).type === 'ThisExpression' &&
      nameOf(node['property']) === name;
    if (!isIt) return true;
    const access = parent?.type === 'MemberExpression' && parent['object'] === node ? parent : undefined;
    const call = access === undefined ? undefined : parents.get(access);
    const isCall = call?.type === 'CallExpression' && call['callee'] === access;
    uses.push({ member: isCall ? nameOf(access?.['property']) : undefined, call: isCall ? call : undefined });
    return true;
  });
  return uses;
}

function editOf(member: string | undefined, call: Node | undefined, work: Work): (() => void) | undefined {
  const args = (call?.['arguments'] ?? []) as Node[];
  if (member === 'publish' && args.length === 3) return () => {};
  const options = member === 'request' && args.length === 1 ? propertiesOf(args[0]) : undefined;
  if (options === undefined) return undefined;
  const known = ['exchange', 'routingKey', 'payload', 'timeout', 'headers', 'expiration'];
  const [exchange, routingKey] = [options.get('exchange'), options.get('routingKey')];
  if (exchange === undefined || routingKey === undefined || [...options.keys()].some((key) => !known.includes(key))) {
    return undefined;
  }
  const text = ({ start, end }: Node) => work.source.slice(start, end);
  const payload = options.get('payload');
  const rest = [...options].filter(([key]) => known.indexOf(key) > 2).map(([key, value]) => `${key}: ${text(value)}`);
  const parts = [text(exchange), text(routingKey), payload === undefined ? '{}' : text(payload)];
  if (rest.length > 0) parts.push(`{ ${rest.join(', ')} }`);
  const [only] = args as [Node];
  return () => work.replace(only, parts.join(', '));
}
