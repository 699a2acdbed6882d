import { Leveret, listener, republish } from '../../packages/leveret/dist/index.js';
import { look, retry } from '../../packages/operations/dist/index.js';

const CANARY = 5;
const RATE = 50;
const PARKED = [400, 300, 300];
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const idsOf = ({ messages }) => messages.map(({ message }) => message.messageId);

/**
 * 1,000 parked messages in three queues: a canary that fails again leaves the others untouched; mended, all are handled at the rate that was
 * asked for, each once.
 */
export async function proveCanary(outside, session, node, version, [kind, args]) {
  const work = await outside.queue(`canary ${kind} work`);
  const queues = [];
  for (const [index, count] of PARKED.entries()) {
    queues.push(await outside.queue(`canary ${kind} ${index}`, args));
    const before = PARKED.slice(0, index).reduce((sum, each) => sum + each, 0);
    await outside.park(queues.at(-1), count, work, before + 1);
  }
  let isMended = false;
  const handled = new Map();
  const stamps = [];
  const onOrder = listener(
    { id: 'onOrder', queue: work, payload: Object, retry: { maxAttempts: 1 }, recoverer: republish('', queues[0]) },
    async (_body, { message }) => {
      if (!isMended) throw new Error('not yet');
      handled.set(message.messageId, (handled.get(message.messageId) ?? 0) + 1);
      stamps.push(performance.now());
    },
  );
  const app = await Leveret.start({ connection: { urls: node.url }, listeners: [onOrder], logger: 'silent' });
  const options = { queues, selection: 'all', canary: CANARY, rate: RATE };
  const before = idsOf(await look(session, queues));
  const failed = await retry(session, options);
  const after = idsOf(await look(session, queues));
  const others = before.slice(CANARY);
  const areUntouched = JSON.stringify(after.filter((id) => others.includes(id))) === JSON.stringify(others);
  const isStopped =
    failed.stopped === 'canary-failed' && failed.sent === CANARY && failed.left === before.length - CANARY;
  isMended = true;
  const mended = await retry(session, options);
  for (const until = performance.now() + 5000; performance.now() < until && handled.size < before.length; )
    await sleep(50);
  await app.close();
  // Without the canary, and the pause behind it.
  const [first, last] = [stamps[CANARY], stamps.at(-1)];
  const rate = ((stamps.length - CANARY - 1) * 1000) / (last - first);
  const once = [...handled.values()].filter((times) => times === 1).length;
  const holds =
    isStopped && areUntouched && after.length === before.length && mended.left === 0 && once === before.length;
  return {
    holds: holds && Math.abs(rate - RATE) <= RATE / 10,
    what: `${version}: of ${before.length} messages in three ${kind} queues a canary of ${CANARY} fails again (${failed.stopped}), ${areUntouched ? failed.left : 'not all'} others untouched; mended, ${once} handled once, ${rate.toFixed(1)} a second of ${RATE}`,
  };
}
