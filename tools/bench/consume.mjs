/**
 * Consuming, leveret beside amqplib by hand: CPU of the client process per message, and throughput, as ratios of runs
 * in turn. Bytes, JSON, and a validated class (by hand: JSON.parse, plainToInstance, validate).
 *
 * BENCH_COUNT messages measured per run (default 40000), BENCH_ROUNDS rounds (default 5), AMQP_URL the broker.
 */
import { connect } from 'amqplib';
import { inTurn, median, ratio, runJson, showRatio } from './lib/pairs.mjs';

const count = Number(process.env.BENCH_COUNT ?? 40_000);
const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
const warmup = Math.ceil(count / 4);
const url = process.env.AMQP_URL ?? 'amqp://127.0.0.1';
const worker = new URL('consume-worker.mjs', import.meta.url).pathname;

const PAYMENT = {
  orderId: 4711,
  paidAt: '2026-11-23T10:00:00.000Z',
  currency: 'EUR',
  amount: 1999,
  note: 'n'.repeat(110),
};
const BODY = Buffer.from(JSON.stringify(PAYMENT));

async function fill(channel, queue, messages) {
  await channel.deleteQueue(queue);
  await channel.assertQueue(queue, { durable: true });
  const options = {
    persistent: true,
    contentType: 'application/json',
    messageId: '7f3c9d1e-5b1a-4a2e-9f7d-0a1b2c3d4e5f',
  };
  for (let sent = 0; sent < messages; sent++) {
    channel.sendToQueue(queue, BODY, options);
    if (sent % 500 === 499) await channel.waitForConfirms();
  }
  await channel.waitForConfirms();
}

export async function consumeBench() {
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  console.log(
    `consuming: ${count} messages of ${BODY.length} bytes per run, ${rounds} rounds, prefetch 250, one ack each`,
  );
  const summary = {};
  for (const kind of ['bytes', 'json', 'class']) {
    const queue = `leveret.bench.${kind}.${process.pid}`;
    const run = (variant) => async () => {
      await fill(channel, queue, count + warmup);
      return runJson(worker, [variant, kind, queue, String(count), String(warmup)]);
    };
    const { a, b } = await inTurn(rounds, run('leveret'), run('amqplib'));
    await channel.deleteQueue(queue);
    const cpu = ratio(a, b, (one) => one.cpuMicros);
    const rate = ratio(a, b, (one) => one.perSecond);
    summary[kind] = { cpu: cpu.median, rate: rate.median };
    const own = median(a.map((one) => one.cpuMicros)).toFixed(1);
    const peer = median(b.map((one) => one.cpuMicros)).toFixed(1);
    console.log(
      `  ${kind.padEnd(6)} CPU ${showRatio(cpu)} x amqplib (${own} and ${peer} us per message), throughput ${showRatio(rate)} x`,
    );
  }
  await connection.close();
  return summary;
}

if (import.meta.url === `file://${process.argv[1]}`) await consumeBench();
