/**
 * One consumer process of the consume bench: `consume-worker.mjs leveret|amqplib bytes|json|class QUEUE COUNT WARMUP`.
 * Both variants: prefetch 250, one ack per message, handled one after the other, no delay on the socket. Prints the CPU
 * per message and the rate over the COUNT messages after the WARMUP.
 */
import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { IsInt, IsISO8601, IsString, Length, validate } from 'class-validator';

const [variant, kind, queue, countText, warmupText] = process.argv.slice(2);
const count = Number(countText);
const warmup = Number(warmupText);
const url = process.env.AMQP_URL ?? 'amqp://127.0.0.1';
const PREFETCH = 250;

class Payment {}
IsInt()(Payment.prototype, 'orderId');
IsISO8601()(Payment.prototype, 'paidAt');
IsString()(Payment.prototype, 'currency');
Length(3, 3)(Payment.prototype, 'currency');
IsInt()(Payment.prototype, 'amount');
IsString()(Payment.prototype, 'note');

let seen = 0;
let startedAt;
let cpuAtStart;
let finish;
const finished = new Promise((resolve) => {
  finish = resolve;
});
function handled() {
  seen++;
  if (seen === warmup) {
    cpuAtStart = process.cpuUsage();
    startedAt = process.hrtime.bigint();
  } else if (seen === warmup + count) {
    const cpu = process.cpuUsage(cpuAtStart);
    const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9;
    finish({
      cpuMicros: (cpu.user + cpu.system) / count,
      perSecond: count / seconds,
      rssMiB: process.memoryUsage().rss / 2 ** 20,
    });
  }
}

async function withAmqplib() {
  const { connect } = await import('amqplib');
  const connection = await connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.prefetch(PREFETCH);
  const onMessage = {
    bytes: (message) => {
      if (message.content.length === 0) throw new Error('empty');
      channel.ack(message);
      handled();
    },
    json: (message) => {
      const payload = JSON.parse(message.content.toString());
      if (payload.orderId === undefined) throw new Error('no order');
      channel.ack(message);
      handled();
    },
    class: async (message) => {
      const payment = plainToInstance(Payment, JSON.parse(message.content.toString()));
      const errors = await validate(payment);
      if (errors.length > 0) throw new Error('invalid');
      channel.ack(message);
      handled();
    },
  }[kind];
  await channel.consume(queue, onMessage);
  const result = await finished;
  await channel.close();
  await connection.close();
  return result;
}

async function withLeveret() {
  const { Leveret, Listener, Payload, silentLogger } = await import('leveret');
  class Bench {
    handle(payload) {
      if (kind === 'bytes' ? payload.length === 0 : payload.orderId === undefined) throw new Error('empty');
      handled();
    }
  }
  const type = { bytes: Buffer, json: Object, class: Payment }[kind];
  Payload(type)(Bench.prototype, 'handle', 0);
  Listener({ queue, declare: false, prefetch: PREFETCH })(
    Bench.prototype,
    'handle',
    Object.getOwnPropertyDescriptor(Bench.prototype, 'handle'),
  );
  const app = await Leveret.start({ connection: { urls: [url] }, listeners: [Bench], logger: silentLogger });
  const result = await finished;
  await app.close();
  return result;
}

const result = await (variant === 'leveret' ? withLeveret() : withAmqplib());
console.log(JSON.stringify(result));
