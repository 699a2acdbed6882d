/**
 * Situations on both brokers: on the embedded one always, and on a private RabbitMQ where one is installed. What passes on
 * one and fails on the other is a fault of one of them. `LEVERET_TEST_BROKER=embedded` or `=rabbitmq` runs one of the two.
 */
import { after, before, describe } from 'mocha';
import { defaultVersion, startNode, whyUnavailable } from './brokers.mjs';
import { startEmbeddedNode } from './embedded-node.mjs';

const START_LIMIT_MS = 90_000;
// Else the management API of RabbitMQ hears of connections and consumers up to 5 s late.
const SHARED = { plugins: ['rabbitmq_management'], conf: 'collect_statistics_interval = 250' };

/** A node for as many suites as ask for it, started by the first of them and removed after the last. */
class SuiteNode {
  #start;
  #node;

  constructor(name, start) {
    this.name = name;
    this.version = defaultVersion();
    this.#start = start;
  }

  get url() {
    return this.#running.url;
  }

  get port() {
    return this.#running.port;
  }

  get managementUrl() {
    const url = this.#running.managementUrl;
    if (url === undefined) throw new Error('expected a node with a management API: a mortal RabbitMQ has none');
    return url;
  }

  async start() {
    this.#node ??= await this.#start();
    await this.#node.start();
  }

  stop() {
    return this.#running.stop();
  }

  kill() {
    return this.#running.kill();
  }

  keepDeclarations() {
    return this.#running.keepDeclarations();
  }

  memoryAlarm(raised) {
    return this.#running.memoryAlarm(raised);
  }

  changePassword(user, password) {
    return this.#running.changePassword(user, password);
  }

  async remove() {
    await this.#node?.remove();
    this.#node = undefined;
  }

  get #running() {
    if (this.#node === undefined) throw new Error('expected a node that runs: use it inside hooks and tests only');
    return this.#node;
  }
}

/** How long the impatient nodes wait for a settlement. */
const IMPATIENT_MS = 2000;

async function startImpatient() {
  const node = await startNode({ conf: `consumer_timeout = ${IMPATIENT_MS}` });
  // Up to 4.2 channels look once a minute otherwise.
  await node.ctl('eval', 'application:set_env(rabbit, channel_tick_interval, 500).');
  return node;
}

const RABBITMQ = `RabbitMQ ${defaultVersion()}`;
const EMBEDDED = 'the embedded broker';
const BROKERS = [
  {
    kind: 'embedded',
    name: EMBEDDED,
    whyMissing: () => undefined,
    shared: new SuiteNode(EMBEDDED, () => startEmbeddedNode()),
    mortal: new SuiteNode(EMBEDDED, () => startEmbeddedNode()),
    impatient: new SuiteNode(EMBEDDED, () => startEmbeddedNode({ consumerTimeout: IMPATIENT_MS })),
  },
  {
    kind: 'rabbitmq',
    name: RABBITMQ,
    whyMissing,
    shared: new SuiteNode(RABBITMQ, () => startNode(SHARED)),
    mortal: new SuiteNode(RABBITMQ, () => startNode()),
    impatient: new SuiteNode(RABBITMQ, startImpatient),
  },
];

/** Runs a suite on the node of each broker that all suites share. See each-broker.d.mts. */
export function onEachNode(title, suite) {
  onEach(title, ({ shared }) => shared, suite);
}

/** Runs a suite on the second node of each broker, which may be stopped. */
export function onEachMortalNode(title, suite) {
  onEach(title, ({ mortal }) => mortal, suite);
}

/** Runs a suite on the third node of each broker, whose delivery acknowledgement timeout is 2 s. */
export function onEachImpatientNode(title, suite) {
  onEach(title, ({ impatient }) => impatient, suite);
}

/** Runs a suite on the shared RabbitMQ alone: for what the embedded broker has not. */
export function onRabbitMQNode(title, suite) {
  onEach(title, ({ shared }) => shared, suite, 'rabbitmq');
}

function onEach(title, choose, suite, only) {
  for (const broker of wantedBrokers()) {
    if (only !== undefined && broker.kind !== only) continue;
    const { name } = broker;
    describe(`${title}, on ${name}`, function () {
      const node = choose(broker);
      before(`start ${name}`, async function () {
        const reason = broker.whyMissing();
        if (reason !== undefined) leaveOut(this, title, name, reason);
        this.timeout(START_LIMIT_MS);
        await node.start();
      });
      suite.call(this, node);
    });
  }
}

function wantedBrokers() {
  const wanted = process.env.LEVERET_TEST_BROKER || undefined;
  const found = BROKERS.filter(({ kind }) => wanted === undefined || kind === wanted);
  if (found.length > 0) return found;
  const kinds = BROKERS.map(({ kind }) => kind).join(' or ');
  throw new Error(`LEVERET_TEST_BROKER: expected ${kinds}, or nothing for both; received ${wanted}`);
}

function whyMissing() {
  // The test command has looked already, and counts what is missing as failures where it has to be there.
  if (process.env.LEVERET_SKIP_PRIVATE_BROKERS) return process.env.LEVERET_SKIP_PRIVATE_BROKERS;
  const reason = whyUnavailable();
  // A CI run that skips what it should prove would be green for nothing.
  if (reason !== undefined && process.env.CI === 'true')
    throw new Error(`expected ${RABBITMQ} with CI=true: ${reason}`);
  return reason;
}

/** Titles of what was left out, by broker and reason. */
const leftOut = new Map();

function leaveOut(context, title, name, reason) {
  const line = `left out on ${name} (${reason})`;
  leftOut.set(line, [...(leftOut.get(line) ?? []), title]);
  context.skip();
}

// Root hooks: they end what the first suite that asked for it began.
after('throw the nodes away', async function () {
  this.timeout(START_LIMIT_MS);
  for (const [line, titles] of leftOut)
    console.log(`\n  ${line}:\n${titles.map((title) => `    ${title}`).join('\n')}`);
  await Promise.all(
    BROKERS.flatMap(({ shared, mortal, impatient }) => [shared.remove(), mortal.remove(), impatient.remove()]),
  );
});
