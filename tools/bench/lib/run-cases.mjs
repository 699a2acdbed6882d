import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { connect } from 'amqplib';
import { CASES, payloadOf } from './cases.mjs';
import { runJson } from './pairs.mjs';

const worker = fileURLToPath(new URL('../worker.mjs', import.meta.url));
const CONTROL = 'amqplib';

/** How long one measurement may take. */
const LIMIT_MS = 180_000;

/** With less than this left nothing is begun of which nobody knows how long it takes. */
const LEAST_MS = 4_000;

/**
 * Runs cases in turn: each subject in a fresh process, one after the other, round by round, so that a drift of the machine
 * hits all alike. Answers the measurements by case and subject, one for each round; what no time was left for is not there. What
 * did not end in its time is not tried again.
 * @param wholeRounds so many rounds are measured whatever the deadline; each measurement has its own bound
 * @param measured told after each measurement what there is so far
 * @param signal ends it: what has been measured by then is answered
 */
export async function runCases(options) {
  const { names, url, redisUrl, rounds, wholeRounds, scale, only, deadline, say, measured, signal } = options;
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  const round = names.flatMap((name) => subjectsOf(CASES[name], only).map((subject) => ({ name, subject })));
  // Round by round over all cases, so that each has its figures should the time not do for all rounds.
  const steps = Array.from({ length: rounds }, () => round).flat();
  const results = {};
  const took = new Map();
  const beganAt = performance.now();
  let skipped = 0;
  for (const [index, { name, subject }] of steps.entries()) {
    const before = results[name]?.[subject.name] ?? [];
    const start = performance.now();
    const isBounded = index >= wholeRounds * round.length;
    // What is begun has to end in time as well; of what was never measured that is not known, and it is ended.
    const leftMs = isBounded ? deadline - start : Number.POSITIVE_INFINITY;
    const key = `${name} ${subject.name}`;
    if (signal.aborted || leftMs < 1.2 * (took.get(key) ?? LEAST_MS)) {
      skipped++;
      continue;
    }
    const tooLong = before.find(({ isTooLong }) => isTooLong);
    const result = tooLong ?? (await measure(channel, CASES[name], subject, { url, redisUrl, scale, signal, leftMs }));
    if (signal.aborted) {
      skipped++;
      continue;
    }
    took.set(key, performance.now() - start);
    results[name] ??= {};
    results[name][subject.name] = [...before, result];
    measured(results);
    const failure = result.error === undefined ? '' : ` failed: ${result.error}`;
    const seconds = Math.round((performance.now() - beganAt) / 1000);
    say(`[${index + 1}/${steps.length}, ${seconds} s] ${name}: ${subject.name}${failure}`);
  }
  if (skipped > 0) say(`${signal.aborted ? 'stopped: not measured are' : 'no time was left for'} ${skipped} more`);
  await connection.close();
  return results;
}

function subjectsOf(one, only) {
  const wanted = one.subjects.filter((name) => only === undefined || only.includes(name));
  return [
    { name: CONTROL, file: new URL('../subjects/amqplib.mjs', import.meta.url).href, more: {} },
    ...Object.entries(one.controls ?? {}).map(([name, more]) => ({
      ...{ name, more },
      file: new URL('../subjects/amqplib.mjs', import.meta.url).href,
    })),
    ...wanted.map((name) => ({
      ...{ name, more: {} },
      file: new URL(name === 'leveret' ? '../subjects/leveret.mjs' : `../peers/${name}.mjs`, import.meta.url).href,
    })),
  ];
}

async function measure(channel, one, subject, { url, redisUrl, scale, signal, leftMs }) {
  const queues = Array.from({ length: one.queues ?? 1 }, (_, number) => `leveret.bench.${process.pid}.${number}`);
  const count = Math.max(1, Math.ceil((one.count ?? 1) * scale));
  const warmup = Math.ceil((one.warmup ?? (one.count ?? 0) / 4) * scale) || 0;
  const {
    fill,
    queues: _queues,
    subjects: _subjects,
    metrics: _metrics,
    goals: _goals,
    controls: _controls,
    limitMs = LIMIT_MS,
    ...job
  } = one;
  try {
    await Promise.all(queues.map((queue) => channel.assertQueue(queue, { durable: true })));
    const payload = payloadOf(one);
    const body = subject.name === 'nest' ? { pattern: 'bench', data: payload } : payload;
    if (fill === true) await fillQueue(channel, queues[0], body, one, count + warmup);
    const more = {
      ...subject.more,
      url,
      redisUrl,
      count,
      warmup,
      queue: queues[0],
      queues,
      file: subject.file,
      envelope: body,
    };
    const startedAt = performance.timeOrigin + performance.now();
    const result = await runJson(worker, [JSON.stringify({ ...job, ...more })], {
      limitMs: Math.min(limitMs, leftMs),
      signal,
    });
    return one.measure === 'first' ? { ...result, startMs: result.at - startedAt } : result;
  } catch (error) {
    return { error: error.message.slice(0, 200), isTooLong: error.isTooLong === true };
  } finally {
    for (const queue of queues) await channel.deleteQueue(queue);
  }
}

async function fillQueue(channel, queue, payload, { kind, measure: what }, messages) {
  const contentType = kind === 'bytes' ? 'application/octet-stream' : 'application/json';
  const body = Buffer.from(JSON.stringify(payload));
  let confirmed = Promise.resolve();
  for (let sent = 0; sent < messages; sent++) {
    const messageId = what === 'once' ? `${queue}-${process.hrtime.bigint()}` : '7f3c9d1e-5b1a-4a2e-9f7d-0a1b2c3d4e5f';
    channel.sendToQueue(queue, body, { persistent: true, contentType, messageId });
    if (sent % 1000 !== 999) continue;
    // The thousand before: the broker is never idle meanwhile.
    await confirmed;
    confirmed = channel.waitForConfirms();
  }
  await channel.waitForConfirms();
}
