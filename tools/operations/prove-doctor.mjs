import { connect } from 'amqplib';
import { systemClock } from '../../packages/core/dist/index.js';
import { Leveret, listener } from '../../packages/leveret/dist/index.js';
import { apply, diagnose, examine, OperationsSession } from '../../packages/operations/dist/index.js';

/** A virtual host of its own: everything in it is looked at. */
const VHOST = 'doctor';
const HOUR_MS = 3_600_000;
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const work = async () => {};

/** An application in which five things are wrong. */
const APPLICATION = {
  logger: 'silent',
  listeners: [
    listener({ id: 'Greedy', queue: { name: 'greedy' }, payload: Object, prefetch: 0 }, work),
    listener({ id: 'Stateful', queue: 'limited', payload: Object, retry: { maxAttempts: 9, stateless: false } }, work),
    listener({ id: 'Slow', queue: 'slow', payload: Object, timeout: '2m' }, work),
    listener(
      {
        id: 'Patient',
        queue: { name: 'patient', type: 'quorum' },
        payload: Object,
        retry: { maxAttempts: 3, initialInterval: '20m', maxInterval: '20m' },
      },
      work,
    ),
    listener({ id: 'Forbidden', queue: { name: 'forbidden' }, payload: Object }, work),
  ],
};

/** Everything that is planted on the broker, with what the doctor has to say about it. */
async function plant(channel, put) {
  const queue = (name, args = {}, more = {}) => channel.assertQueue(name, { durable: true, ...more, arguments: args });
  const quorum = (name, args = {}) => queue(name, { 'x-queue-type': 'quorum', ...args });
  await channel.assertExchange('dlx', 'direct');
  await quorum('errors.dlq');
  await channel.bindQueue('errors.dlq', 'dlx', 'error');
  await queue('lost', { 'x-dead-letter-exchange': 'no-such-exchange' });
  await queue('unrouted', { 'x-dead-letter-exchange': 'dlx', 'x-dead-letter-routing-key': 'nowhere' });
  await quorum('drops', { 'x-delivery-limit': 9 });
  await quorum('expires', { 'x-expires': 600_000 });
  await queue('transient', {}, { durable: false });
  await queue('standing');
  await queue('full', { 'x-max-length': 2 });
  await queue('forgets.dlq', { 'x-message-ttl': 86_400_000 });
  await queue('both', { 'x-max-length': 5 });
  await put('/api/policies/doctor/limit', { pattern: '^both$', definition: { 'max-length': 9 }, 'apply-to': 'queues' });
  await queue('large');
  await channel.assertExchange('lonely', 'topic');
  await channel.assertExchange('pay.direct', 'direct');
  await channel.bindQueue('greedy', 'pay.direct', 'pay.*');
  await channel.assertExchange('orders', 'topic');
  await channel.bindQueue('slow', 'orders', 'order.#', { tenant: 'acme' });
  await channel.assertExchange('by.header', 'headers');
  await channel.bindQueue('patient', 'by.header', '', { 'x-match': 'all' });
  const fill = (name, count, body = Buffer.from('x')) => {
    for (let n = 0; n < count; n++) channel.sendToQueue(name, body, { persistent: true });
  };
  fill('errors.dlq', 1000);
  fill('standing', 3);
  fill('full', 2);
  fill('large', 1, Buffer.alloc(2 ** 21));
  await channel.waitForConfirms();
  // Consumed, so that nothing else is wrong with them.
  for (const name of ['full', 'large']) {
    await channel.prefetch(1);
    await channel.consume(name, () => {});
  }
}

function expected(version) {
  return [
    'alarm',
    'clock',
    'small-frame',
    'dead-letters-lost: lost',
    'dead-letters-unrouted: unrouted',
    'limit-without-dead-letters: drops',
    'quorum-expires: expires',
    'transient-queue: transient',
    'policy-and-argument: both',
    'queue-full: full',
    'nobody-consumes: standing',
    'nobody-reads-dead-letters: errors.dlq',
    'error-queue-forgets: forgets.dlq',
    'exchange-without-bindings: lonely',
    'large-messages: large',
    'binding-never-matches: pay.direct -> greedy (pay.*)',
    'binding-ignores-headers: orders -> slow (order.#)',
    'binding-takes-everything: by.header -> patient ()',
    'prefetch-unlimited: Greedy',
    'delivery-limit: Stateful',
    'consumer-timeout: Patient',
    'channel-max',
    'permission: app (configure)',
    'permission: app (read)',
    // It knows no x-consumer-timeout.
    ...(version === '3.10' ? [] : ['consumer-timeout: Slow']),
    ...(version === '4.3' ? [] : ['delivery-limit-prefetch: Stateful']),
  ].sort();
}

function nameOf({ check, about, what }) {
  if (check === 'permission') return `${check}: ${about} ${/\((?:configure|write|read)\)$/.exec(what)?.[0]}`;
  return ['alarm', 'clock', 'small-frame', 'channel-max'].includes(check) ? check : `${check}: ${about}`;
}

/** Two dozen mistakes on a live broker, and what the doctor finds: exactly these. */
export async function proveDoctor(node, version) {
  const base = new URL(node.managementUrl);
  const authorization = `Basic ${Buffer.from('guest:guest').toString('base64')}`;
  const put = async (path, body) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const answer = await fetch(`${base.origin}${path}`, { method: 'PUT', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  };
  await put(`/api/vhosts/${VHOST}`, {});
  await put(`/api/permissions/${VHOST}/guest`, { configure: '.*', write: '.*', read: '.*' });
  const url = `${node.url.replace(/\/$/, '')}/${VHOST}`;
  const plan = await new Leveret({ ...APPLICATION, connection: { urls: url } }).plan();
  await put('/api/users/app', { password: 'app', tags: '' });
  await put('/api/permissions/doctor/app', { configure: '^(?!forbidden)', write: '.*', read: '^(?!forbidden)' });
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  // Those that the application names are there before it.
  await channel.assertQueue('slow', { arguments: { 'x-queue-type': 'quorum', 'x-consumer-timeout': 60_000 } });
  const dead = { 'x-dead-letter-exchange': 'dlx', 'x-dead-letter-routing-key': 'error' };
  await channel.assertQueue('limited', { arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 4, ...dead } });
  const admin = await OperationsSession.connect({
    connection: { urls: url },
    management: { url: node.managementUrl },
  });
  const there = await apply(admin, plan);
  await admin.close();
  await plant(channel, put);
  await node.memoryAlarm(true);
  // An hour ahead of the broker.
  const clock = { ...systemClock, now: () => systemClock.now() + HOUR_MS, monotonic: () => systemClock.monotonic() };
  const urls = url.replace('guest:guest', 'app:app');
  const session = await OperationsSession.connect({
    connection: { urls, frameMax: 8192, channelMax: 8 },
    management: { url: base.origin, username: 'guest', password: 'guest' },
    clock: Object.assign(Object.create(Object.getPrototypeOf(systemClock)), clock),
  });
  let found = [];
  // The management API counts every few seconds.
  for (const until = performance.now() + 20_000; performance.now() < until; await sleep(500)) {
    found = diagnose(await examine(session, plan))
      .map(nameOf)
      .sort();
    if (JSON.stringify(found) === JSON.stringify(expected(version))) break;
  }
  await session.close();
  await node.memoryAlarm(false);
  await connection.close();
  const missing = expected(version).filter((name) => !found.includes(name));
  const further = found.filter((name) => !expected(version).includes(name));
  return {
    holds: there.refused.length === 0 && missing.length === 0 && further.length === 0,
    what: `${version}: ${expected(version).length} planted mistakes, ${found.length} found${missing.length > 0 ? `; not found: ${missing}` : ''}${further.length > 0 ? `; besides: ${further}` : ''}`,
  };
}
