import { isAtLeast } from '@leveret/core';
import type { BindingView, QueueView } from '../management/views.js';
import type { Facts } from './facts.js';
import type { Finding } from './finding.js';

const LARGE_BYTES = 2 ** 20;
const MIB = 2 ** 20;

/** What is about bindings, and the messages that come by them. */
export function flowChecks({ definitions, version }: Facts): readonly Finding[] {
  if (definitions === undefined) return [];
  const types = new Map(definitions.exchanges.map(({ name, type }) => [name, type]));
  return [
    ...definitions.bindings.flatMap((binding) => neverMatches(binding, types.get(binding.source))),
    ...definitions.queues.flatMap((queue) => largeMessages(queue, version)),
  ];
}

/** Bindings that look as if they did something else than they do. */
function neverMatches(binding: BindingView, type: string | undefined): readonly Finding[] {
  const { source, destination, routingKey, arguments: args } = binding;
  const about = `${source} -> ${destination} (${routingKey})`;
  const words = routingKey.split('.');
  if (type === 'direct' && words.length > 1 && words.some((word) => word === '*' || word === '#')) {
    return [
      {
        check: 'binding-never-matches',
        severity: 'error',
        about,
        what: `${JSON.stringify(routingKey)} is a pattern, and ${source} is a direct exchange`,
        why: 'a direct exchange compares keys as they are: messages of these keys do not come this way',
        fix: 'bind the keys one by one, or publish to a topic exchange',
      },
    ];
  }
  const wanted = Object.keys(args).filter((name) => name === 'x-match' || !name.startsWith('x-'));
  if (wanted.length > 0 && (type === 'direct' || type === 'topic' || type === 'fanout')) {
    return [
      {
        check: 'binding-ignores-headers',
        severity: 'warning',
        about,
        what: `it asks for the headers ${wanted.join(', ')}, and ${source} is a ${type} exchange`,
        why: 'only headers exchanges look at headers: messages without them come this way, too',
        fix: 'bind to a headers exchange, or take the arguments away',
      },
    ];
  }
  if (type === 'headers' && wanted.every((name) => name === 'x-match')) {
    return [
      {
        check: 'binding-takes-everything',
        severity: 'warning',
        about,
        what: `it asks for no header, and ${source} is a headers exchange`,
        why: args['x-match'] === 'any' ? 'no message comes this way' : 'every message comes this way',
        fix: 'name the headers in the arguments of the binding',
      },
    ];
  }
  return [];
}

function largeMessages({ name, messages, bytes = 0 }: QueueView, version: string): readonly Finding[] {
  if (messages === 0 || bytes / messages < LARGE_BYTES) return [];
  const most = isAtLeast(version, 4, 0, false) ? '16 MiB' : '128 MiB, and 16 MiB from RabbitMQ 4.0 on';
  return [
    {
      check: 'large-messages',
      severity: 'warning',
      about: name,
      what: `its messages have ${(bytes / messages / MIB).toFixed(1)} MiB on average`,
      why: `while one is sent nothing else goes by its connection, heartbeats among it; the broker refuses those above max_message_size (${most} unless it is set)`,
      fix: 'put the content elsewhere (a file, an object store), and send where it is',
    },
  ];
}
