import { LeveretError, type Topology } from '@leveret/core';
import { brokerReply, errorText } from '../errors/broker-reply.js';
import { type Mismatch, parseMismatch } from './parse-mismatch.js';
import { policyKeyOf } from './policy-keys.js';

/** What was being declared. */
export interface Declared {
  readonly kind: 'queue' | 'exchange' | 'binding';
  /** For people, such as `queue "orders"` or `binding of queue "orders" to exchange "shop"`. */
  readonly title: string;
}

/** The error for a declaration that the broker refused: what differs or is wrong, and the way out. */
export function declarationError(error: unknown, declared: Declared): LeveretError {
  const reply = brokerReply(error);
  const text = reply?.text ?? errorText(error);
  const mismatch = parseMismatch(text);
  if (mismatch !== undefined) {
    return new LeveretError('LEV_TOPOLOGY_MISMATCH', mismatchText(mismatch), { cause: error });
  }
  if (reply?.code === 405) {
    return new LeveretError(
      'LEV_TOPOLOGY_MISMATCH',
      `${capitalised(declared.title)} is exclusive to another connection, or exists and is not exclusive as declared. ` +
        `If it is a leftover, it goes with its connection; else use another name. The broker: ${text}`,
      { cause: error },
    );
  }
  if (isUnavailable(reply?.code, text)) return unavailableError(declared.title, text, error);
  const hint = hintFor(reply?.code, text);
  return new LeveretError(
    'LEV_TOPOLOGY_REFUSED',
    `The broker refused to declare the ${declared.title}: ${text}${hint === undefined ? '' : `. ${hint}`}`,
    { cause: error },
  );
}

/** For what the broker leaves unanswered, as RabbitMQ 4.3 does for a classic queue whose node is down. */
export function unansweredError(part: Topology, afterMs: number): LeveretError {
  return unavailableError(titleOfPart(part), `no answer within ${afterMs} ms`, undefined);
}

/** Names what is declared at a time, for people: a queue, an exchange, or a binding. */
export function titleOfPart({ exchanges, queues, bindings }: Topology): string {
  const [exchange] = exchanges;
  const [queue] = queues;
  const [binding] = bindings;
  if (queue !== undefined) return `queue ${JSON.stringify(queue.name)}`;
  if (exchange !== undefined) return `exchange ${JSON.stringify(exchange.name)}`;
  return `binding of ${binding?.destinationType} ${JSON.stringify(binding?.destination)}`;
}

function unavailableError(title: string, text: string, cause: unknown): LeveretError {
  return new LeveretError(
    'LEV_TOPOLOGY_UNAVAILABLE',
    `The broker cannot give the ${title} now: ${text}. The node that holds it is down, or its cluster has no majority, it ` +
      'seems. Everything else goes on, and it is asked for until it is there.',
    { cause },
  );
}

// 404 "home node ... is down or inaccessible" (before 4.3), 541 "Cannot declare quorum queue ...: timeout".
function isUnavailable(code: number | undefined, text: string): boolean {
  return (code === 404 && text.includes('is down or inaccessible')) || (code === 541 && !text.includes('deprecated'));
}

function mismatchText({ kind, name, argument, asked, current }: Mismatch): string {
  const show = (value: string | undefined) => (value === undefined ? 'nothing' : JSON.stringify(value));
  const policy = policyKeyOf(kind, argument);
  const ways = [
    policy === undefined ? undefined : `set ${policy} with a policy and leave ${argument} out of the declaration`,
    'declare it as it is',
    `delete the ${kind} (its messages and bindings go with it) so that it is declared anew`,
  ];
  const wayOut = ways.filter((way) => way !== undefined).join(', or ');
  return (
    `${capitalised(kind)} ${JSON.stringify(name)} exists with other properties: ${argument} was declared as ` +
    `${show(asked)}, the broker has ${show(current)}. The ${kind} is left as it is. Way out: ${wayOut}.`
  );
}

function hintFor(code: number | undefined, text: string): string | undefined {
  if (code === 404) return 'Declare what is missing, or create it first';
  if (code === 403 && text.includes('reserved prefix')) return 'Names that begin with "amq." belong to the broker';
  if (code === 403 && text.includes('default exchange')) {
    return 'The default exchange is there and bound to every queue by itself: leave the declaration out';
  }
  if (code === 403) {
    return "The user lacks the configure (or, for bindings, read and write) permission; with declare: 'if-missing' nothing that exists is declared again";
  }
  if (text.includes('deprecated')) return 'Declare the queue durable, or exclusive if it is meant to be transient';
  if (text.includes('exchange type'))
    return 'The type comes with a plugin of the broker: enable it, or use another type';
  if (text.includes("invalid property 'non-durable'")) return 'A quorum queue must be durable';
  if (text.includes("invalid property 'exclusive-owner'")) return 'A quorum queue cannot be exclusive';
  if (text.includes("invalid property 'auto-delete'")) return 'A quorum queue cannot be deleted automatically';
  return undefined;
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
