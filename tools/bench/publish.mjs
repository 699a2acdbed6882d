/**
 * Confirmed publishing: leveret beside amqplib by hand, as ratios.
 *
 *   node tools/bench/publish.mjs [--messages 40000] [--rounds 4] [--in-flight 1,256] [--url amqp://localhost] [--modes correlated]
 *
 * Both publish the same 200 byte JSON message (persistent, mandatory, with a random message id) to a durable queue over
 * the default exchange and wait for the confirm of each. Every run is a process of its own; the two take turns on one
 * broker, and the ratio of each pair of neighbours is taken before the median, so that what the machine does meanwhile
 * hits both.
 */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { connect } from 'amqplib';
import { runJson } from './lib/pairs.mjs';

const { values: options } = parseArgs({
  options: {
    messages: { type: 'string', default: '40000' },
    rounds: { type: 'string', default: '4' },
    'in-flight': { type: 'string', default: '1,256' },
    url: { type: 'string', default: 'amqp://localhost' },
    modes: { type: 'string', default: 'correlated' },
    run: { type: 'string' },
    queue: { type: 'string' },
  },
});

const WARM_UP = 20_000;

if (options.run === undefined) await compare();
else console.log(JSON.stringify(await run(options.run)));

async function compare() {
  for (const mode of options.modes.split(',')) {
    for (const inFlight of options['in-flight'].split(',')) {
      // One in flight waits for the disk each time; a tenth of the messages takes long enough.
      const messages = inFlight === '1' ? Number(options.messages) / 10 : Number(options.messages);
      const pairs = [];
      for (let round = 0; round < Number(options.rounds); round++) {
        const byHand = await measure('amqplib', inFlight, messages, mode);
        const leveret = await measure('leveret', inFlight, messages, mode);
        pairs.push({ byHand, leveret });
      }
      report(mode, inFlight, messages, pairs);
    }
  }
}

/** The queue is made and counted here: a second connection in the process that is measured would share its code. */
async function measure(subject, inFlight, messages, mode) {
  const queue = `bench-publish-${randomUUID()}`;
  const admin = await connect(options.url);
  const channel = await admin.createChannel();
  await channel.assertQueue(queue, { durable: true });
  try {
    const args = ['--in-flight', inFlight, '--messages', String(messages), '--modes', mode, '--url', options.url];
    const result = await runJson(fileURLToPath(import.meta.url), ['--run', subject, '--queue', queue, ...args]);
    const sent = WARM_UP + 2 * messages;
    const { messageCount } = await channel.checkQueue(queue);
    if (mode !== 'none' && messageCount !== sent) throw new Error(`${messageCount} of ${sent} arrived`);
    return result;
  } finally {
    await channel.deleteQueue(queue);
    await admin.close();
  }
}

function report(mode, inFlight, messages, pairs) {
  const median = (of) => {
    const sorted = pairs.map(of).sort((a, b) => a - b);
    return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
  };
  const row = (name, of) => {
    const line = [median((pair) => of(pair.byHand)).toFixed(1), median((pair) => of(pair.leveret)).toFixed(1)];
    return `  ${name.padEnd(20)} ${line[0].padStart(10)} ${line[1].padStart(10)} ${median(
      (pair) => of(pair.leveret) / of(pair.byHand),
    )
      .toFixed(3)
      .padStart(8)}`;
  };
  console.log(`${mode}, ${inFlight} in flight, ${messages} messages, ${pairs.length} rounds`);
  console.log(`  ${''.padEnd(20)} ${'amqplib'.padStart(10)} ${'leveret'.padStart(10)} ${'ratio'.padStart(8)}`);
  console.log(row('messages per second', (one) => one.perSecond));
  console.log(row('CPU us per message', (one) => one.cpuMicros));
  console.log(row('peak RSS MiB', (one) => one.rssMiB));
}

async function run(subject) {
  const messages = Number(options.messages);
  const inFlight = Number(options['in-flight']);
  const { queue } = options;
  const publisher = subject === 'amqplib' ? await byHand(queue) : await leveret(queue);
  try {
    // Warm code is compared: with one in flight a run would otherwise be over before its code is compiled. The second
    // warm-up is for what the engine takes back when the rhythm changes.
    await publishMany(publisher.publish, WARM_UP, 256);
    await publishMany(publisher.publish, messages, inFlight);
    const cpu = process.cpuUsage();
    const start = process.hrtime.bigint();
    await publishMany(publisher.publish, messages, inFlight);
    const seconds = Number(process.hrtime.bigint() - start) / 1e9;
    const { user, system } = process.cpuUsage(cpu);
    return {
      perSecond: messages / seconds,
      cpuMicros: (user + system) / messages,
      rssMiB: process.resourceUsage().maxRSS / 1024,
    };
  } finally {
    await publisher.close();
  }
}

async function publishMany(publish, messages, inFlight) {
  let next = 0;
  const worker = async () => {
    while (next < messages) await publish(payload(next++));
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

function payload(number) {
  return { orderId: number, paidAt: '2026-01-01T12:00:00.000Z', note: 'x'.repeat(130) };
}

async function byHand(queue) {
  const connection = await connect(options.url);
  const channel = options.modes === 'none' ? await connection.createChannel() : await connection.createConfirmChannel();
  const properties = () => ({
    persistent: true,
    mandatory: true,
    messageId: randomUUID(),
    contentType: 'application/json',
    contentEncoding: 'UTF-8',
  });
  const confirmed = (message) =>
    new Promise((resolve, reject) => {
      channel.publish('', queue, Buffer.from(JSON.stringify(message)), properties(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  const written = (message) => {
    if (channel.publish('', queue, Buffer.from(JSON.stringify(message)), properties())) return Promise.resolve();
    return new Promise((resolve) => channel.once('drain', resolve));
  };
  return { publish: options.modes === 'none' ? written : confirmed, close: () => connection.close() };
}

async function leveret(queue) {
  const { contentTypeConverter, Problems, Publisher, resolvePublisherOptions, silentLogger, systemClock } =
    await import('../../packages/core/dist/index.js');
  const { AmqplibTransport } = await import('../../packages/amqplib/dist/index.js');
  const transport = new AmqplibTransport({ connection: { urls: [options.url] } });
  const window = process.env.WINDOW === undefined ? {} : { window: Number(process.env.WINDOW) };
  const publisher = new Publisher({
    transport,
    options: resolvePublisherOptions({ confirms: options.modes, ...window }, new Problems()),
    converter: contentTypeConverter(),
    clock: systemClock,
    logger: silentLogger,
  });
  return {
    publish: (message) => publisher.sendToQueue(queue, message),
    close: async () => {
      await publisher.close();
      await transport.close({ timeoutMs: 5_000 });
    },
  };
}
