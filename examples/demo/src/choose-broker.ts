import { connect } from 'node:net';
import { Broker } from '@leveret/broker';

/** The broker that the demo runs on. */
export interface DemoBroker extends AsyncDisposable {
  readonly url: string;
  /** It is still there when the demo is over. */
  readonly outlives: boolean;
}

const DEFAULT_PORT = 5672;
const ANSWER_MS = 1000;

/**
 * `AMQP_URL`, else what answers on this machine's port 5672, else a broker inside this process, and says so.
 * @param embedded take the broker inside this process, whatever else there is
 */
export async function chooseBroker(embedded: boolean): Promise<DemoBroker> {
  const given = process.env['AMQP_URL'];
  if (embedded) return inThisProcess('As asked');
  if (given !== undefined && given !== '') return existing(given);
  if (await answers(DEFAULT_PORT)) return existing(`amqp://127.0.0.1:${DEFAULT_PORT}`);
  return inThisProcess(`There is no RabbitMQ on 127.0.0.1:${DEFAULT_PORT} and no AMQP_URL`);
}

async function inThisProcess(why: string): Promise<DemoBroker> {
  const broker = await Broker.start({ port: 0 });
  console.log(`${why}: the demo runs on an embedded broker inside this process.`);
  return { url: broker.url, outlives: false, [Symbol.asyncDispose]: () => broker.close() };
}

function existing(url: string): DemoBroker {
  return { url, outlives: true, [Symbol.asyncDispose]: async () => {} };
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: ANSWER_MS });
    const end = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.once('timeout', () => end(false));
  });
}
