import { connect, type Socket } from 'node:net';
import { Broker, type BrokerVersion } from '@leveret/broker';
import { Random } from '../random/random.js';
import { ConformanceClient } from '../wire/client.js';
import { conversation, methodFrame, mutate } from './frames.js';

/** What to send. */
export interface FuzzOptions {
  readonly seed: number;
  /** Mutated frames; each comes among sound ones. */
  readonly frames: number;
  readonly versions: readonly BrokerVersion[];
  progress(line: string): void;
}

/** What became of it; that it comes back at all means no crash. */
export interface FuzzReport {
  readonly frames: number;
  readonly connections: number;
  /** Connections or brokers that did not end when they had to, with the seed of the round. */
  readonly hangs: readonly string[];
  readonly seconds: number;
}

/** Frames for one broker: then a fresh one, so that memory says nothing. */
const ROUND = 20_000;
const SIDE_BY_SIDE = 8;
const BOUND_MS = 10_000;

/** Sends mutated frames over connection after connection, while a witness beside them has to go on being served. */
export async function runFuzz(options: FuzzOptions): Promise<FuzzReport> {
  const startedAt = performance.now();
  const hangs: string[] = [];
  let frames = 0;
  let connections = 0;
  for (let round = 0; frames < options.frames; round++) {
    const version = options.versions[round % options.versions.length] ?? '4.3';
    const quota = Math.min(ROUND, options.frames - frames);
    const sent = await fuzzOneBroker(version, options.seed + round, quota, hangs);
    frames += sent.frames;
    connections += sent.connections;
    if (round % 10 === 9) options.progress(`${frames} mutated frames over ${connections} connections`);
  }
  return { frames, connections, hangs, seconds: (performance.now() - startedAt) / 1000 };
}

async function fuzzOneBroker(
  version: BrokerVersion,
  seed: number,
  quota: number,
  hangs: string[],
): Promise<{ frames: number; connections: number }> {
  await using broker = await Broker.start({ version });
  const random = new Random(seed);
  const witness = await ConformanceClient.connect(broker.port, {}, BOUND_MS);
  let frames = 0;
  let connections = 0;
  const work = async (): Promise<void> => {
    while (frames < quota) {
      const session = makeSession(random);
      frames += session.mutated;
      connections++;
      if (!(await sendSession(broker.port, session.bytes))) hangs.push(`a connection of ${version}, seed ${seed}`);
      witness.take();
    }
  };
  await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  if (!(await witness.barrier(BOUND_MS)) || witness.state !== 'open') hangs.push(`${version}, seed ${seed}`);
  witness.cut();
  return { frames, connections };
}

const HEADER = Buffer.from('AMQP\0\0\x09\x01', 'latin1');
const HANDSHAKE = [
  methodFrame(0, 'connection.start-ok', { mechanism: 'PLAIN', response: '\0guest\0guest', locale: 'en_US' }),
  methodFrame(0, 'connection.tune-ok', { channelMax: 2047, frameMax: 131_072, heartbeat: 0 }),
  methodFrame(0, 'connection.open', { virtualHost: '/' }),
];
const OPENING = [methodFrame(1, 'channel.open', {}), methodFrame(2, 'channel.open', {})];

function makeSession(random: Random): { readonly bytes: Buffer; readonly mutated: number } {
  let mutated = 0;
  const maybe = (bytes: Buffer, percent: number): Buffer => {
    if (!random.chance(percent)) return bytes;
    mutated++;
    return mutate(random, bytes);
  };
  const steps = Array.from({ length: 5 + random.int(30) }, () => conversation(random)).flat();
  const bytes = Buffer.concat([
    HEADER,
    ...HANDSHAKE.map((each) => maybe(each, 2)),
    ...OPENING,
    ...steps.map((each) => maybe(each, 30)),
  ]);
  return { bytes, mutated };
}

/** Sends everything and hangs up; `false` when the broker then keeps the socket. */
async function sendSession(port: number, bytes: Buffer): Promise<boolean> {
  const socket: Socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.resume();
  socket.end(bytes);
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      socket.destroy();
      resolve(false);
    }, BOUND_MS);
    socket.once('close', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
