import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { connect } from 'amqplib';
import { CASES, payloadOf } from './cases.mjs';
import { measureInTurns } from './in-turns.mjs';
import { runJson } from './pairs.mjs';

const worker = fileURLToPath(new URL('../worker.mjs', import.meta.url));
const CONTROL = 'amqplib';

/** How long one measurement may take. */
const LIMIT_MS = 180_000;

/** With less than this left nothing is begun of which nobody knows how long it takes. */
const LEAST_MS = 4_000;

/**
 * Runs cases in turn: each subject in a fresh process, one after the other, round by round, so that a drift of the machine
 * hits all alike; where a case says `atATime`, all of its subjects are there at once, and take turns. Answers the measurements by
 * case and subject, one for each round; what no time was left for is not there. What did not end in its time is not tried again.
 * @param wholeRounds so many rounds are measured whatever the deadline; each measurement has its own bound
 * @param measured told after each measurement what there is so far
 * @param signal ends it: what has been measured by then is answered
 */
export async function runCases(options) {
  const { names, url, redisUrl, rounds, wholeRounds, scale, only, deadline, say, measured, signal } = options;
  const connection = await connect(url);
  const channel = await connection.createConfirmChannel();
  const round = names.flatMap((name) => stepsOf(name, only));
  // Round by round over all cases, so that each has its figures should the time not do for all rounds.
  const steps = Array.from({ length: rounds }, () => round).flat();
  const results = {};
  const took = new Map();
  const beganAt = performance.now();
  let skipped = 0;
  for (const [index, { name, subjects }] of steps.entries()) {
    const start = performance.now();
    const isBounded = index >= wholeRounds * round.length;
    // What is begun has to end in time as well; of what was never measured that is not known, and it is ended.
    const leftMs = isBounded ? deadline - start : Number.POSITIVE_INFINITY;
    const key = `${name} ${subjects.map((subject) => subject.name)}`;
    if (signal.aborted || leftMs < 1.2 * (took.get(key) ?? LEAST_MS)) {
      skipped++;
      continue;
    }
    const before = (subject) => results[name]?.[subject.name] ?? [];
    const tooLong = (subject) => before(subject).find(({ isTooLong }) => isTooLong);
    const asked = subjects.filter((subject) => tooLong(subject) === undefined);
    const measuredNow = await measure(channel, CASES[name], asked, { url, redisUrl, scale, signal, leftMs });
    if (signal.aborted) {
      skipped++;
      continue;
    }
    took.set(key, performance.now() - start);
    for (const subject of subjects) {
      const result = tooLong(subject) ?? measuredNow[asked.indexOf(subject)];
      results[name] ??= {};
      results[name][subject.name] = [...before(subject), result];
      const failure = result.error === undefined ? '' : ` failed: ${result.error}`;
      const seconds = Math.round((performance.now() - beganAt) / 1000);
      say(`[${index + 1}/${steps.length}, ${seconds} s] ${name}: ${subject.name}${failure}`);
    }
    measured(results);
  }
  if (skipped > 0) say(`${signal.aborted ? 'stopped: not measured are' : 'no time was left for'} ${skipped} more`);
  await connection.close();
  return results;
}

/** A measurement for each subject, or one of all of them when they take turns. */
function stepsOf(name, only) {
  const subjects = subjectsOf(CASES[name], only);
  if (CASES[name].atATime !== undefined) return [{ name, subjects }];
  return subjects.map((subject) => ({ name, subjects: [subject] }));
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

/** One measurement for each of these subjects. */
async function measure(channel, one, subjects, { url, redisUrl, scale, signal, leftMs }) {
  if (subjects.length === 0) return [];
  const { limitMs = LIMIT_MS } = one;
  const bounds = { limitMs: Math.min(limitMs, leftMs), signal };
  const jobs = subjects.map((subject) => ({ ...jobOf(one, subject, scale), url, redisUrl }));
  try {
    for (const job of jobs) await prepare(channel, one, job);
    if (one.atATime !== undefined) return await measureInTurns(worker, jobs, bounds);
    const startedAt = performance.timeOrigin + performance.now();
    const result = await runJson(worker, [JSON.stringify(jobs[0])], bounds);
    return [one.measure === 'first' ? { ...result, startMs: result.at - startedAt } : result];
  } catch (error) {
    return subjects.map(() => ({ error: error.message.slice(0, 200), isTooLong: error.isTooLong === true }));
  } finally {
    for (const queue of jobs.flatMap(({ queues }) => queues)) await channel.deleteQueue(queue);
  }
}

/** What a process is to measure. */
function jobOf(one, subject, scale) {
  const {
    fill: _fill,
    subjects: _subjects,
    metrics: _metrics,
    goals: _goals,
    controls: _controls,
    limitMs: _limitMs,
    ...job
  } = one;
  const payload = payloadOf(one);
  const place = `leveret.bench.${process.pid}.${subject.name.replaceAll(/\W+/g, '-')}`;
  const queues = Array.from({ length: one.queues ?? 1 }, (_, number) => `${place}.${number}`);
  return {
    ...job,
    ...subject.more,
    count: Math.max(1, Math.ceil((one.count ?? 1) * scale)),
    warmup: Math.ceil((one.warmup ?? (one.count ?? 0) / 4) * scale) || 0,
    queue: queues[0],
    queues,
    file: subject.file,
    envelope: subject.name === 'nest' ? { pattern: 'bench', data: payload } : payload,
  };
}

async function prepare(channel, one, { queues, envelope, count, warmup }) {
  await Promise.all(queues.map((queue) => channel.assertQueue(queue, { durable: true })));
  if (one.fill === true) await fillQueue(channel, queues[0], envelope, one, count + warmup);
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
