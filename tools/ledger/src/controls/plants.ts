import type { Invariant } from '../checker/violations.js';

/** A change of one compiled file of a package, made while it is loaded; the file itself stays as it is. */
export interface Patch {
  /** Below `packages/`. */
  readonly file: string;
  /** Stands there exactly once. */
  readonly find: string;
  readonly put: string;
}

/** A bug on purpose, and where it has to be found. */
export interface Plant {
  readonly name: string;
  readonly what: string;
  readonly patches: readonly Patch[];
  /** A module that wraps what the packages export, instead of patches or beside them. */
  readonly wrapper?: string;
  readonly row: string;
  /** Kinds of faults under which it shows; none where it shows by itself. */
  readonly faults: readonly string[];
  /** Milliseconds between attempts, where the plant needs messages that wait. Default 20. */
  readonly retryMs?: number;
  /** One in so many messages is slow, where the plant needs that. */
  readonly slowOneIn?: number;
  /** Any one of them has to be broken. */
  readonly foundBy: readonly Invariant[];
}

const PROCESS = 'core/dist/consumer/process-delivery.js';
const SETBACKS = 'core/dist/consumer/delivery-setbacks.js';
const CONSUMER = 'core/dist/consumer/consumer.js';
const CHANNEL = 'amqplib/dist/delivery/consumer-channel.js';
const PUBLISHING = 'amqplib/dist/publisher/amqplib-publish-channel.js';
const ANSWERS = 'core/dist/publisher/lane-answers.js';

/** Settles a delivery that nobody has handled. */
const ACK_UNHANDLED = 'delivery.channel.ack(delivery.deliveryTag)';

export const PLANTS: readonly Plant[] = [
  {
    name: 'ack-before-handler',
    what: 'acknowledges before the handler is called',
    patches: [
      {
        file: PROCESS,
        find: 'this.#env.reporter.received(this.delivery);',
        put: "this.#env.reporter.received(this.delivery); this.#settlement.acknowledgement.settle('ack');",
      },
    ],
    row: 'quorum-none',
    faults: ['consumer-kill'],
    foundBy: ['I7'],
  },
  {
    name: 'ack-before-commit',
    what: 'acknowledges when the handler returns, before its transaction is committed',
    patches: [
      {
        file: PROCESS,
        find: 'call: (context) => callHandler(context, () => this.#invoke(call, context)),',
        put: "call: async (context) => { const value = await callHandler(context, () => this.#invoke(call, context)); this.#settlement.acknowledgement.settle('ack'); await new Promise((resolve) => setTimeout(resolve, 3)); return value; },",
      },
    ],
    row: 'quorum-inbox',
    faults: ['consumer-kill'],
    foundBy: ['I7'],
  },
  {
    name: 'nack-is-success',
    what: 'takes a nack of the broker for a confirm',
    patches: [{ file: PUBLISHING, find: "this.#confirmed(confirm, 'nack')", put: "this.#confirmed(confirm, 'ack')" }],
    row: 'quorum-none',
    faults: ['queue-full'],
    foundBy: ['I9'],
  },
  {
    name: 'return-is-success',
    what: 'takes the ack behind a basic.return for a confirm',
    patches: [
      { file: ANSWERS, find: 'else if (outcome.returned === undefined)', put: 'else if (outcome.returned !== null)' },
    ],
    row: 'quorum-none',
    faults: ['queue-deleted'],
    foundBy: ['I9', 'I1'],
  },
  {
    name: 'confirm-ignored',
    what: 'resolves a publish when it is written',
    patches: [
      {
        file: PUBLISHING,
        find: 'if (this.#confirm === undefined)\n            this.#planFlush();',
        put: 'this.#planFlush();',
      },
    ],
    row: 'quorum-none',
    faults: ['tcp-cut'],
    foundBy: ['I9'],
  },
  {
    name: 'republish-unconfirmed',
    what: 'acknowledges a parked message without waiting for the confirm of its copy',
    patches: [
      {
        file: 'core/dist/recoverer/republish-recoverer.js',
        find: 'await failure.publisher.send(',
        put: 'void failure.publisher.send(',
      },
    ],
    row: 'quorum-republish-none',
    faults: ['tcp-cut'],
    foundBy: ['I7'],
  },
  {
    name: 'parked-without-headers',
    what: 'parks a message without the headers that it had, and those that say why',
    patches: [
      {
        file: 'core/dist/recoverer/republish-recoverer.js',
        find: 'Object.assign(headers, carried?.headers, additional);',
        put: 'for (const name of Object.keys(headers)) delete headers[name];',
      },
    ],
    row: 'quorum-republish-none',
    faults: [],
    foundBy: ['I2', 'I6'],
  },
  {
    name: 'inbox-outside',
    what: 'remembers the message in a transaction of its own, before that of the handler',
    patches: [],
    wrapper: './inbox-outside.js',
    row: 'quorum-inbox',
    faults: ['consumer-kill'],
    foundBy: ['I1', 'I7'],
  },
  {
    name: 'lease-not-renewed',
    what: 'never renews the claim on a message while its handler runs',
    patches: [
      {
        file: 'core/dist/idempotency/lease-keeper.js',
        find: 'if (lease.renewEveryMs !== undefined)\n            this.#renewAfter(lease.renewEveryMs);',
        put: '',
      },
    ],
    row: 'quorum-redis',
    faults: ['tcp-cut'],
    slowOneIn: 20,
    foundBy: ['I3'],
  },
  {
    name: 'settles-on-new-channel',
    what: 'settles late, on the channel that came after the one that delivered',
    patches: [
      {
        file: CHANNEL,
        find: '    ack(deliveryTag) {\n',
        put: '    ackLate() { this.#channel.ackAll(); return true; }\n    ack(deliveryTag) {\n        const latest = globalThis.ledgerLatest?.get(this.#queue);\n        if (!this.#open && latest?.isOpen) return latest.ackLate();\n',
      },
      {
        file: CHANNEL,
        find: 'this.#tag = tag;',
        put: 'this.#tag = tag; (globalThis.ledgerLatest ??= new Map()).set(this.#queue, this);',
      },
    ],
    row: 'quorum-none',
    faults: ['tcp-cut'],
    slowOneIn: 20,
    foundBy: ['I7', 'I1'],
  },
  {
    name: 'acknowledges-unhandled-later',
    what: 'remembers as handled what is only at work when its channel goes, and acknowledges it when it comes again',
    patches: [
      {
        file: PROCESS,
        find: 'this.#interruptible.interrupt(why);',
        put: "this.#interruptible.interrupt(why); if (why === 'channel-gone') this.#env.unsentAcks.owe(this.delivery.message);",
      },
    ],
    row: 'quorum-none',
    faults: ['tcp-cut'],
    slowOneIn: 10,
    foundBy: ['I7', 'I1'],
  },
  {
    name: 'retry-forgotten-at-shutdown',
    what: 'acknowledges at shutdown what waits for its next attempt',
    patches: [
      {
        file: SETBACKS,
        find: "            return true;\n        this.#settlement.giveBack('stopping', error);",
        put: '            return true;\n        this.#settlement.acknowledge(error);',
      },
    ],
    row: 'classic-none',
    faults: ['rolling-restart'],
    retryMs: 700,
    foundBy: ['I7', 'I1'],
  },
  {
    name: 'prefetched-dropped-at-close',
    what: 'acknowledges at shutdown what was prefetched and not begun',
    patches: [
      {
        file: CONSUMER,
        find: 'else if (delivery.channel.giveBack(delivery.deliveryTag))',
        put: `else if (${ACK_UNHANDLED})`,
      },
    ],
    row: 'classic-none',
    faults: ['rolling-restart'],
    foundBy: ['I7', 'I1'],
  },
  {
    name: 'parks-at-shutdown',
    what: 'parks at shutdown what was prefetched and no handler saw',
    patches: [
      {
        file: CONSUMER,
        find: 'else if (delivery.channel.giveBack(delivery.deliveryTag))',
        put: `else if (reason === 'stopping') {
            const { definition, publisher } = this.#env;
            const at = Date.now();
            void definition.recoverer
                .recover({ message: delivery.message, reason: 'exhausted', error: new Error('stopping'), attempts: 3, redeliveries: 0, listenerId: definition.id, queue: delivery.queue, firstFailedAt: at, lastFailedAt: at, redact: (text) => text, publisher })
                .then(() => ${ACK_UNHANDLED}, () => delivery.channel.giveBack(delivery.deliveryTag));
        }
        else if (delivery.channel.giveBack(delivery.deliveryTag))`,
      },
    ],
    row: 'classic-none',
    faults: ['rolling-restart'],
    foundBy: ['I6'],
  },
  {
    name: 'pause-drops',
    what: 'acknowledges what a listener holds when it is paused',
    patches: [
      {
        file: CONSUMER,
        find: 'else if (delivery.channel.giveBack(delivery.deliveryTag))',
        put: `else if (reason === 'paused' ? ${ACK_UNHANDLED} : delivery.channel.giveBack(delivery.deliveryTag))`,
      },
    ],
    row: 'classic-none',
    faults: ['listener-paused'],
    foundBy: ['I7', 'I1'],
  },
  {
    name: 'outbox-cursor',
    what: 'reads the outbox by a cursor: what was committed later with a lower number is never seen',
    patches: [
      {
        file: 'sql/dist/relay/lease-rows.js',
        find: 'const due = await withLast(executor, database, lease, looked.rows);',
        put: 'const due = (await withLast(executor, database, lease, looked.rows)).filter(({ id }) => Number(id) > (globalThis.ledgerCursor ?? 0)); for (const { id } of due) globalThis.ledgerCursor = Math.max(globalThis.ledgerCursor ?? 0, Number(id));',
      },
    ],
    row: 'outbox-none',
    faults: ['relay-kill'],
    foundBy: ['I13'],
  },
  {
    name: 'transaction-not-taken-back',
    what: 'gives the connection of a handler that ran past its time back to the pool while it can still write on it',
    patches: [
      {
        file: 'sql/dist/database/lent-transaction.js',
        find: 'end() {\n        this.#over = true;',
        put: 'end() {',
      },
    ],
    row: 'timeout',
    faults: [],
    foundBy: ['I3'],
  },
  {
    name: 'cancel-ignored',
    what: 'does not notice that the broker has cancelled its consumer',
    patches: [
      { file: CHANNEL, find: 'if (tag === this.#tag)\n                this.#events.cancelled(this);', put: '' },
    ],
    row: 'quorum-none',
    faults: ['queue-deleted'],
    foundBy: ['I8'],
  },
  {
    name: 'redelivers-early',
    what: 'lets a failed message wait half as long as it is to',
    patches: [
      {
        file: SETBACKS,
        find: 'redeliveries.send(this.#delivery.message, this.#failures.record(counts), delayMs)',
        put: 'redeliveries.send(this.#delivery.message, this.#failures.record(counts), delayMs / 2)',
      },
    ],
    row: 'classic-redeliver-none',
    faults: [],
    foundBy: ['I10'],
  },
  {
    name: 'rejection-unhandled',
    what: 'leaves a rejection unhandled when a channel is lost',
    patches: [
      {
        file: CONSUMER,
        find: 'this.#events.interrupted(cause, error);',
        put: "this.#events.interrupted(cause, error); void Promise.reject(new Error('nobody waits for this'));",
      },
    ],
    row: 'quorum-none',
    faults: ['tcp-cut'],
    foundBy: ['I11'],
  },
  {
    name: 'order-by-chance',
    what: 'gives a single active consumer several messages, and takes the last one first',
    patches: [
      {
        file: 'core/dist/consumer/waiting-deliveries.js',
        find: 'this.#items[this.#end++] = { delivery, since };',
        put: 'this.#items.splice(this.#head, 0, { delivery, since }); this.#end++;',
      },
      {
        file: CONSUMER,
        find: 'this.#prefetch = env.definition.prefetch;',
        put: 'this.#prefetch = 20;',
      },
    ],
    row: 'sac-none',
    faults: [],
    foundBy: ['I5'],
  },
];
