/**
 * A TCP proxy that can do what networks do: cut, refuse, hang up, fall silent, cut in the middle of a frame, be slow. The one
 * proxy of the tests and of the ledger; what it relays it only shows to those who look. See tcp-proxy.d.mts.
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class TcpProxy {
  #host;
  #target;
  #look;
  #random;
  #server;
  #pairs = new Set();
  #frozen = false;
  #hangsUp = false;
  #slowness;
  #port = 0;
  accepted = 0;

  constructor(target, { host = '127.0.0.1', look, random = Math.random } = {}) {
    this.#target = target;
    this.#host = host;
    this.#look = look;
    this.#random = random;
  }

  static async start(target, options) {
    const { hostname, port } = typeof target === 'string' ? new URL(target) : { hostname: undefined, port: target };
    const proxy = new TcpProxy(Number(port || 5672), { ...(hostname && { host: hostname }), ...options });
    await proxy.up();
    return proxy;
  }

  get port() {
    return this.#port;
  }

  get url() {
    return `amqp://guest:guest@127.0.0.1:${this.#port}`;
  }

  get open() {
    return this.#pairs.size;
  }

  get connections() {
    return [...this.#pairs].map(({ number }) => number);
  }

  through(target) {
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    return url.href;
  }

  cut(number) {
    const meant = [...this.#pairs].filter((pair) => number === undefined || pair.number === number);
    for (const pair of meant) pair.reset();
    return meant.length;
  }

  cutAfter(bytes) {
    for (const pair of this.#pairs) pair.allowance = bytes;
  }

  refuse() {
    this.#server?.close();
    this.#server = undefined;
  }

  async down() {
    const server = this.#server;
    const closed = server?.listening ? once(server, 'close') : undefined;
    this.refuse();
    this.cut();
    await closed;
  }

  async up() {
    this.#hangsUp = false;
    if (this.#server !== undefined) return;
    const server = createServer((socket) => this.#accept(socket));
    this.#server = server;
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = server.address().port;
  }

  hangUp() {
    this.#hangsUp = true;
    this.cut();
  }

  freeze() {
    this.#frozen = true;
    for (const pair of this.#pairs) pair.freeze();
  }

  thaw() {
    this.#frozen = false;
    for (const pair of this.#pairs) pair.thaw();
  }

  slow(slowness) {
    this.#slowness = slowness;
  }

  toBroker(number, bytes) {
    this.#pair(number).broker.write(bytes);
  }

  toClient(number, bytes) {
    this.#pair(number).client.write(bytes);
  }

  async [Symbol.asyncDispose]() {
    await this.down();
  }

  #pair(number) {
    const pair = [...this.#pairs].find((each) => each.number === number);
    if (pair === undefined) throw new Error(`expected connection ${number} to be open`);
    return pair;
  }

  #accept(client) {
    this.accepted++;
    if (this.#hangsUp) {
      client.on('error', () => undefined);
      client.end();
      client.resume();
      return;
    }
    const number = this.accepted;
    const broker = connect({ host: this.#host, port: this.#target });
    const onEnd = (ended) => this.#pairs.delete(ended);
    const slowness = () => this.#slowness && { random: this.#random, ...this.#slowness };
    const pair = new Pair(number, client, broker, this.#look?.(number), slowness, onEnd);
    this.#pairs.add(pair);
    if (this.#frozen) pair.freeze();
  }
}

/** Both sockets of one connection. */
class Pair {
  #look;
  #onEnd;
  #hasEnded = false;
  #frozen = false;
  /** Bytes that still pass, in both directions together, before the connection is cut. */
  allowance = Number.POSITIVE_INFINITY;

  constructor(number, client, broker, look, slowness, onEnd) {
    this.number = number;
    this.client = client;
    this.broker = broker;
    this.#look = look;
    this.#onEnd = onEnd;
    this.#relay(client, broker, (chunk) => look?.up?.(chunk), slowness);
    this.#relay(broker, client, (chunk) => look?.down?.(chunk), slowness);
    for (const socket of [client, broker]) {
      // Or small frames wait for each other, and the proxy is what is measured.
      socket.setNoDelay(true);
      socket.on('error', () => this.#end()).on('close', () => this.#end());
    }
  }

  freeze() {
    this.#frozen = true;
    this.client.pause();
    this.broker.pause();
  }

  thaw() {
    this.#frozen = false;
    this.client.resume();
    this.broker.resume();
  }

  reset() {
    for (const socket of [this.client, this.broker]) {
      // One that is half closed cannot be reset: libuv refuses, and Node would never close it, nor end the process.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
    this.#end();
  }

  #end() {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.client.destroy();
    this.broker.destroy();
    this.#onEnd(this);
    this.#look?.end?.();
  }

  #relay(from, to, look, slowness) {
    const late = new Late();
    const pass = (chunk) => {
      if (!to.writable || this.#hasEnded) return;
      const passing = chunk.length > this.allowance ? chunk.subarray(0, this.allowance) : chunk;
      look(passing);
      this.allowance -= passing.length;
      const fits = to.write(passing);
      if (this.allowance <= 0) {
        // What was let through arrives before the cut.
        setImmediate(() => this.reset());
        return;
      }
      if (fits) return;
      from.pause();
      to.once('drain', () => {
        if (!this.#frozen) from.resume();
      });
    };
    from.on('data', (chunk) => {
      const how = slowness();
      if (how === undefined && late.isIdle) pass(chunk);
      else late.add(chunk, how ?? {}, pass);
    });
    from.on('end', () => late.behind(() => to.end()));
  }
}

/** Chunks that arrive later than they were sent, sliced, and in their order. */
class Late {
  #waiting = 0;
  #freeAt = 0;

  get isIdle() {
    return this.#waiting === 0;
  }

  add(chunk, slowness, pass) {
    const { latencyMs = 0, jitterMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY, sliceBytes = 65_536 } = slowness;
    const jitter = jitterMs === 0 ? 0 : (slowness.random() * 2 - 1) * jitterMs;
    const arrives = performance.now() + latencyMs + jitter;
    for (let at = 0; at < chunk.length; at += sliceBytes) {
      const slice = chunk.subarray(at, at + sliceBytes);
      this.#freeAt = Math.max(this.#freeAt, arrives) + (slice.length / bytesPerSecond) * 1000;
      this.#later(this.#freeAt, () => pass(slice));
    }
  }

  behind(work) {
    if (this.isIdle) work();
    else this.#later(this.#freeAt, work);
  }

  // Timers of the same moment fire in the order in which they were set, but not those of moments that are a fraction apart.
  #later(moment, work) {
    this.#waiting++;
    this.#chain = this.#chain.then(async () => {
      const waitMs = moment - performance.now();
      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
      this.#waiting--;
      work();
    });
  }

  #chain = Promise.resolve();
}
