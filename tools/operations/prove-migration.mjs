import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect } from 'amqplib';

const CLI = fileURLToPath(new URL('../../packages/cli/bin/leveret.js', import.meta.url));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Where each of ten processes is killed: at a step of the way there, or of the way back. */
const KILLS = [
  ...['begin', 'declare', 'prepare', 'catch-up', 'bind', 'unbind', 'drain'].map((step) => [[], step]),
  ...['catch-up', 'bind', 'unbind'].map((step) => [['--rollback'], step]),
];
const WAITING = 3000;
const EVERY_MS = 5;

/** Runs the command; with a step it is killed (SIGKILL) as soon as it says that it is there. */
async function leveret(node, args, step) {
  const env = { ...process.env, AMQP_URL: node.url, MANAGEMENT_URL: node.managementUrl };
  const child = spawn(process.execPath, [CLI, 'migrate', 'queue', ...args, '--to', 'quorum'], { env });
  let said = '';
  child.stderr.on('data', (data) => {
    said += data;
    if (step !== undefined && said.split('\n').includes(step)) child.kill('SIGKILL');
  });
  child.stdout.resume();
  const [code, signal] = await once(child, 'exit');
  return { code, wasKilled: signal === 'SIGKILL', said };
}

/** A service that publishes by an exchange, and straight to the queue, for as long as it is told to; and one that consumes both queues. */
class Services {
  published = new Set();
  handled = new Map();
  faults = [];
  #timers = [];

  constructor(connection, channel, queue) {
    Object.assign(this, { connection, channel, queue, exchange: `${queue}.topic`, to: `${queue}.v2` });
    channel.on('return', ({ properties }) => this.faults.push(`${properties.messageId} was returned`));
  }

  static async start(url, queue) {
    const connection = await connect(url);
    const channel = await connection.createConfirmChannel();
    const services = new Services(connection, channel, queue);
    await channel.assertQueue(queue);
    await channel.assertExchange(services.exchange, 'topic');
    await channel.bindQueue(queue, services.exchange, 'order.#');
    return services;
  }

  publish(exchange, key) {
    const messageId = String(this.published.size);
    this.published.add(messageId);
    this.channel.publish(
      exchange,
      key,
      Buffer.from(messageId),
      { messageId, mandatory: true, persistent: true },
      (error) => {
        if (error !== null) this.faults.push(`${messageId} was not confirmed: ${error.message}`);
      },
    );
  }

  goOn() {
    this.#timers.push(setInterval(() => this.publish(this.exchange, 'order.paid'), EVERY_MS));
    this.#timers.push(setInterval(() => this.publish('', this.queue), 10 * EVERY_MS));
  }

  async stopPublishing() {
    for (const timer of this.#timers) clearInterval(timer);
    await this.channel.waitForConfirms();
  }

  /** Handles what comes, slowly. Answers how it is stopped, with nothing in hand. */
  async consume(queue, prefetch = 3) {
    const channel = await this.connection.createChannel();
    await channel.prefetch(prefetch);
    let inHand = 0;
    const { consumerTag } = await channel.consume(queue, async (message) => {
      if (message === null) return;
      inHand++;
      await sleep(3);
      const id = message.properties.messageId;
      this.handled.set(id, (this.handled.get(id) ?? 0) + 1);
      channel.ack(message);
      inHand--;
    });
    return async () => {
      await channel.cancel(consumerTag);
      while (inHand > 0) await sleep(5);
      await channel.close();
    };
  }
}

/** A migration that is killed ten times, there and back, while a service publishes and another consumes. Answers what became of it. */
export async function proveMigration(node, version) {
  const services = await Services.start(node.url, `proof ${version} orders`);
  for (let id = 0; id < WAITING; id++) services.publish(services.exchange, 'order.paid');
  await services.channel.waitForConfirms();
  services.goOn();
  const stopOld = await services.consume(services.queue);
  let killed = 0;
  for (const [flags, step] of KILLS) {
    const { wasKilled } = await leveret(node, [services.queue, ...flags], step);
    killed += Number(wasKilled);
    // Forward again, so that the way back has something to lead back from.
    if (flags.length > 0) await leveret(node, [services.queue]);
  }
  const done = await leveret(node, [services.queue]);
  const stopNew = await services.consume(services.to, 100);
  await services.stopPublishing();
  await stopOld();
  killed += Number((await leveret(node, [services.queue, '--commit'], 'delete')).wasKilled);
  const committed = await leveret(node, [services.queue, '--commit']);
  let before = -1;
  while (before !== services.handled.size) {
    before = services.handled.size;
    await sleep(1500);
  }
  await stopNew();
  const isGone = await services.connection.createChannel().then(async (channel) => {
    channel.on('error', () => {});
    return channel.checkQueue(services.queue).then(
      () => false,
      () => true,
    );
  });
  await services.connection.close();
  const lost = [...services.published].filter((id) => !services.handled.has(id));
  const twice = [...services.handled.values()].filter((times) => times > 1).length;
  return {
    holds: lost.length === 0 && services.faults.length === 0 && killed === 11 && done.code === 0 && isGone,
    what: `${version}: a migration killed ${killed} times while ${services.published.size} messages were published and handled: ${lost.length} lost, ${twice} twice with the same id, ${services.faults.length} refused, exit ${done.code} and ${committed.code}, the old queue is ${isGone ? 'gone' : 'still there'}${services.faults.slice(0, 2).join()}`,
  };
}
