import { isAtLeast } from '@leveret/core';
import { errorQueuesOf } from '../errors/find-error-queues.js';
import { routesOf } from '../management/routes.js';
import type { PolicyView, QueueView } from '../management/views.js';
import type { Definitions } from '../topology/definitions.js';
import type { Facts } from './facts.js';
import type { Finding } from './finding.js';

const MANY_PARKED = 1000;
const OWN = /^leveret(?:\.|$)/;

/** What is about queues, exchanges and policies, whoever declared them. */
export function queueChecks({ definitions, version, plan }: Facts): readonly Finding[] {
  if (definitions === undefined) return [];
  const { queues, exchanges, bindings } = definitions;
  const errors = new Set(errorQueuesOf(queues, exchanges, bindings).map(({ name }) => name));
  const consumed = new Set(plan?.listeners.map(({ queue }) => queue));
  const checked = queues.filter(({ name }) => !OWN.test(name));
  return [
    ...checked.flatMap((queue) => deadLetters(queue, definitions)),
    ...checked.flatMap((queue) => lostSilently(queue, version)),
    ...checked.flatMap((queue) => overridden(queue)),
    ...(definitions.isLive ? checked.flatMap((queue) => standingStill(queue, errors, consumed)) : []),
    ...checked.filter(({ name }) => errors.has(name)).flatMap(forgetful),
    ...unboundExchanges(definitions),
    ...definitions.policies.flatMap((policy) => mirrored(policy, version)),
  ];
}

/** An argument, or what a policy sets in its place: the smaller of two numbers counts, else the policy comes first for a queue without it. */
function settingOf({ arguments: args, effective }: QueueView, name: string): unknown {
  const [own, policy] = [args[`x-${name}`], effective[name]];
  if (typeof own === 'number' && typeof policy === 'number') return Math.min(own, policy);
  return own ?? policy;
}

function deadLetters(queue: QueueView, { exchanges, bindings }: Definitions): readonly Finding[] {
  const exchange = settingOf(queue, 'dead-letter-exchange');
  if (typeof exchange !== 'string') {
    const limit = settingOf(queue, 'delivery-limit');
    if (typeof limit !== 'number' || limit < 0) return [];
    return [
      {
        check: 'limit-without-dead-letters',
        severity: 'error',
        about: queue.name,
        what: `it drops a message behind ${limit} failed deliveries, and has no dead letter exchange`,
        why: 'the message is gone without a trace; consumers that are stopped with messages in hand count as failures, too',
        fix: 'give it a dead letter exchange (deadLetter: true), or take the limit away',
      },
    ];
  }
  const about = queue.name;
  if (exchange !== '' && !exchanges.some(({ name }) => name === exchange)) {
    return [
      {
        check: 'dead-letters-lost',
        severity: 'error',
        about,
        what: `its dead letter exchange ${JSON.stringify(exchange)} does not exist`,
        why: 'what is rejected, expires or does not fit is dropped without a word',
        fix: `declare the exchange and a queue bound to it, or name another exchange`,
      },
    ];
  }
  const key = settingOf(queue, 'dead-letter-routing-key');
  const own = bindings.filter(
    ({ destination, destinationType }) => destinationType === 'queue' && destination === about,
  );
  const keys = typeof key === 'string' ? [key] : [about, ...own.map(({ routingKey }) => routingKey)];
  const routes = routesOf(exchanges, bindings);
  const found = keys.map((each) => (exchange === '' ? undefined : routes(exchange, each)));
  if (found.some((queues) => queues === undefined || queues.length > 0)) return [];
  return [
    {
      check: 'dead-letters-unrouted',
      severity: 'error',
      about,
      what: `no queue takes its dead letters from exchange ${JSON.stringify(exchange)} with ${keys.map((each) => JSON.stringify(each)).join(' or ')}`,
      why: 'what is rejected, expires or does not fit is dropped without a word',
      fix: 'bind an error queue to that exchange with that key, or set the dead letter routing key',
    },
  ];
}

function lostSilently(queue: QueueView, version: string): readonly Finding[] {
  const { name: about, type, durable, exclusive, autoDelete } = queue;
  const findings: Finding[] = [];
  if (type === 'quorum' && settingOf(queue, 'expires') !== undefined) {
    findings.push({
      check: 'quorum-expires',
      severity: 'error',
      about,
      what: 'a quorum queue that expires (x-expires)',
      why: 'the broker deletes it also when it was declared or published to meanwhile: confirmed messages are lost (rabbitmq-server#5894)',
      fix: 'take x-expires away, and delete the queue by hand when nobody needs it',
    });
  }
  if (!durable && !exclusive && !autoDelete) {
    const isDenied = isAtLeast(version, 4, 3, false);
    findings.push({
      check: 'transient-queue',
      severity: 'warning',
      about,
      what: 'it is neither durable nor exclusive',
      why: `its messages are gone when the node restarts${isDenied ? '; RabbitMQ 4.3 denies such queues by default' : '; RabbitMQ 4.3 denies such queues'}`,
      fix: 'declare it durable under another name, and let its consumers move',
    });
  }
  return findings;
}

/** Arguments and what a policy says instead, where both say something else. */
function overridden(queue: QueueView): readonly Finding[] {
  return Object.entries(queue.effective).flatMap(([name, policy]) => {
    const own = queue.arguments[`x-${name}`];
    if (own === undefined || own === policy) return [];
    const counts =
      typeof own === 'number' && typeof policy === 'number' ? 'the smaller of the two counts' : 'the argument counts';
    return [
      {
        check: 'policy-and-argument',
        severity: 'warning' as const,
        about: queue.name,
        what: `x-${name} is ${JSON.stringify(own)}, and policy ${JSON.stringify(queue.policy ?? '?')} says ${JSON.stringify(policy)}`,
        why: `${counts}: whoever changes the other wonders why nothing happens`,
        fix: 'say it in one place: by the policy, which can be changed on a queue that exists',
      },
    ];
  });
}

function standingStill(
  queue: QueueView,
  errors: ReadonlySet<string>,
  consumed: ReadonlySet<string>,
): readonly Finding[] {
  const { name: about, messages, consumers, type } = queue;
  const findings: Finding[] = [];
  const max = settingOf(queue, 'max-length');
  if (typeof max === 'number' && max > 0 && messages >= max) {
    const rejects = settingOf(queue, 'overflow') === 'reject-publish';
    findings.push({
      check: 'queue-full',
      severity: 'error',
      about,
      what: `it holds ${messages} messages, as many as it may (${max})`,
      why: rejects
        ? 'further messages are refused (nack)'
        : 'with each further message the oldest is dropped, or dead-lettered',
      fix: 'have it emptied, or raise max-length',
    });
  }
  if (errors.has(about)) {
    if (messages >= MANY_PARKED && consumers === 0) {
      findings.push({
        check: 'nobody-reads-dead-letters',
        severity: 'warning',
        about,
        what: `${messages} messages are parked`,
        why: 'nobody looks at them, it seems: what failed was never done',
        fix: `leveret errors -q ${about}`,
      });
    }
  } else if (messages > 0 && consumers === 0 && type !== 'stream' && !isWaiting(queue)) {
    findings.push({
      check: 'nobody-consumes',
      severity: consumed.has(about) ? 'error' : 'warning',
      about,
      what: `${messages} messages, and no consumer`,
      why: 'they stand still; is the service down, or does it consume another queue?',
      fix: 'start its service, or unbind and delete the queue',
    });
  }
  return findings;
}

function isWaiting(queue: QueueView): boolean {
  return settingOf(queue, 'message-ttl') !== undefined && settingOf(queue, 'dead-letter-exchange') !== undefined;
}

/** An error queue that does not keep what a person is to see. */
function forgetful(queue: QueueView): readonly Finding[] {
  const ttl = settingOf(queue, 'message-ttl');
  const max = settingOf(queue, 'max-length') ?? settingOf(queue, 'max-length-bytes');
  const forgets = [
    ...(ttl === undefined ? [] : [`messages end after ${String(ttl)} ms`]),
    ...(max === undefined || settingOf(queue, 'overflow') === 'reject-publish'
      ? []
      : ['the oldest are dropped when it is full']),
  ];
  if (forgets.length === 0 || settingOf(queue, 'dead-letter-exchange') !== undefined) return [];
  return [
    {
      check: 'error-queue-forgets',
      severity: 'warning',
      about: queue.name,
      what: `an error queue, and ${forgets.join('; ')}`,
      why: 'what failed is gone before a person has seen it',
      fix: 'take the limit away; watch the length of the queue instead',
    },
  ];
}

function unboundExchanges({ exchanges, bindings, policies }: Definitions): readonly Finding[] {
  const sources = new Set(bindings.map(({ source }) => source));
  return exchanges.flatMap(({ name, arguments: args }) => {
    if (name === '' || name.startsWith('amq.') || OWN.test(name) || sources.has(name)) return [];
    const hasAlternate =
      args['alternate-exchange'] !== undefined || policies.some(({ definition }) => 'alternate-exchange' in definition);
    if (hasAlternate) return [];
    return [
      {
        check: 'exchange-without-bindings',
        severity: 'warning' as const,
        about: name,
        what: 'no queue is bound to it',
        why: 'what is published there goes nowhere: it is returned when the publisher asks for that, else dropped although it is confirmed',
        fix: 'bind the queue that is meant, or delete the exchange',
      },
    ];
  });
}

function mirrored({ name, definition }: PolicyView, version: string): readonly Finding[] {
  const keys = Object.keys(definition).filter((key) => key.startsWith('ha-'));
  if (keys.length === 0 || !isAtLeast(version, 4, 0, false)) return [];
  return [
    {
      check: 'mirrored-policy',
      severity: 'warning',
      about: name,
      what: `the policy says ${keys.join(', ')}`,
      why: 'RabbitMQ 4 knows no mirrored queues: they are on one node only, and nobody says so',
      fix: 'declare what must outlive a node as quorum queues of a new name, then delete the policy',
    },
  ];
}
