/** Measures processes that are there at the same time, a few messages each in turn, so that a drift of the machine hits all alike. */
import { fork } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { percentiles } from './percentiles.mjs';

/** How long a process may take to connect and warm up, and how long for its turn. */
const START_MS = 60_000;
const TURN_MS = 30_000;

/**
 * Starts a process for each job, one after the other, and has them measure `atATime` messages in turn until each has had its
 * `count`. Another is the first in each turn. Answers a measurement for each job: percentiles, or the error of a process that ended or
 * did not answer in time; the others go on without it.
 * @param limitMs how long all of it may take
 * @param signal ends it
 */
export async function measureInTurns(worker, jobs, { limitMs, signal }) {
  const until = performance.now() + limitMs;
  const { count, atATime } = jobs[0];
  const seats = jobs.map((job) => ({ job, latencies: [], error: undefined, child: undefined }));
  const turn = async (seat, ms, message) => {
    if (seat.error !== undefined) return;
    try {
      const answer = await answerOf(seat.child, message, Math.min(ms, until - performance.now()), signal);
      seat.latencies.push(...(answer.latencies ?? []));
    } catch (error) {
      seat.error = { error: error.message, isTooLong: error.isTooLong === true };
    }
  };
  try {
    for (const seat of seats) {
      seat.child = fork(worker, [JSON.stringify(seat.job)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
      // Also that of a process that nobody asks just now: who asks it next sees that it has ended.
      seat.child.on('error', () => {});
      await turn(seat, START_MS);
    }
    for (let had = 0; had < count; had += atATime) {
      for (const seat of seats) await turn(seat, TURN_MS, { count: Math.min(atATime, count - had) });
      seats.push(seats.shift());
    }
  } finally {
    for (const { child } of seats) child?.kill('SIGKILL');
  }
  return jobs.map((job) => {
    const { latencies, error } = seats.find((seat) => seat.job === job);
    return error ?? percentiles(latencies);
  });
}

/** What a process says to a message, or by itself at first. */
function answerOf(child, message, limitMs, signal) {
  return new Promise((resolve, reject) => {
    const fail = (why, isTooLong = false) => settle(reject, Object.assign(new Error(why), { isTooLong }));
    const onAnswer = (answer) => settle(resolve, answer);
    const onExit = (code, ended) => fail(`ended with ${ended ?? `code ${code}`}`);
    const onError = (error) => fail(error.message);
    const onAbort = () => fail('was stopped');
    const limit = setTimeout(() => fail(`did not answer within ${Math.round(limitMs / 1000)} s`, true), limitMs);
    const settle = (how, what) => {
      clearTimeout(limit);
      signal.removeEventListener('abort', onAbort);
      child.off('message', onAnswer).off('exit', onExit).off('error', onError);
      how(what);
    };
    child.once('message', onAnswer).once('exit', onExit).once('error', onError);
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    else if (limitMs <= 0) fail('no time was left', true);
    else if (child.exitCode !== null || child.signalCode !== null) onExit(child.exitCode, child.signalCode);
    else if (message !== undefined) child.send(message);
  });
}
