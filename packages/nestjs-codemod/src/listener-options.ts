import { isNode, type Node, propertiesOf } from './syntax.js';

/** What the options of a handler are for `@Listener`. */
export interface ListenerText {
  readonly text?: string;
  /** Why they are not translated. */
  readonly why?: string;
  readonly notes: readonly string[];
}

/** Options of the queue that have the same name and meaning. */
const OF_QUEUE: ReadonlySet<string> = new Set([
  'durable',
  'exclusive',
  'autoDelete',
  'arguments',
  'messageTtl',
  'expires',
  'deadLetterExchange',
  'deadLetterRoutingKey',
  'maxLength',
  'maxPriority',
]);
const KNOWN: ReadonlySet<string> = new Set([
  'exchange',
  'routingKey',
  'bindings',
  'queue',
  'queueOptions',
  'createQueueIfNotExists',
  'allowNonJsonMessages',
  'usePersistentReplyTo',
]);

/** Writes the options of a handler as those of `@Listener`. */
export function listenerOptions(given: Node | undefined, source: string): ListenerText {
  const options = propertiesOf(given);
  if (options === undefined) return refused('its options are not written out');
  const unknown = [...options.keys()].find((name) => !KNOWN.has(name));
  if (unknown !== undefined) return refused(`the option ${unknown} has no counterpart`);
  const queue = options.get('queue');
  if (queue === undefined) return refused('its queue has no name');
  if (options.has('allowNonJsonMessages'))
    return refused('allowNonJsonMessages: say payload: Buffer or String instead');
  const text = (node: Node) => source.slice(node.start, node.end);
  const queueOptions = options.has('queueOptions')
    ? propertiesOf(options.get('queueOptions'))
    : new Map<string, Node>();
  if (queueOptions === undefined) return refused('its queueOptions are not written out');
  const other = [...queueOptions.keys()].find((name) => !OF_QUEUE.has(name));
  if (other !== undefined) return refused(`the option queueOptions.${other} has no counterpart`);
  const declares = options.get('createQueueIfNotExists');
  const isDeclared = declares?.type !== 'BooleanLiteral' || declares['value'] !== false;
  const parts = [`queue: ${queueText(text(queue), queueOptions, isDeclared, text)}`];
  const bindings = bindingsText(options, text);
  if (bindings !== undefined) parts.push(`bindings: ${bindings}`);
  const notes = [...queueOptions.keys()].includes('deadLetterExchange')
    ? ['the queue is declared with the dead letter exchange; deadLetter of @Listener would declare that, too']
    : [];
  return { text: `{ ${parts.join(', ')} }`, notes };
}

function refused(why: string): ListenerText {
  return { why, notes: [] };
}

function queueText(
  name: string,
  options: ReadonlyMap<string, Node>,
  isDeclared: boolean,
  text: (node: Node) => string,
): string {
  if (!isDeclared) return `{ name: ${name}, declare: false }`;
  const rest = [...options].map(([key, value]) => `${key}: ${text(value)}`);
  return rest.length === 0 ? name : `{ name: ${name}, ${rest.join(', ')} }`;
}

function bindingsText(options: ReadonlyMap<string, Node>, text: (node: Node) => string): string | undefined {
  const [exchange, routingKey, bindings] = ['exchange', 'routingKey', 'bindings'].map((name) => options.get(name));
  const own =
    isNode(exchange) && isNode(routingKey)
      ? `{ exchange: ${text(exchange)}, routingKey: ${text(routingKey)} }`
      : undefined;
  if (bindings === undefined) return own;
  return own === undefined ? text(bindings) : `[${own}, ...${text(bindings)}]`;
}
