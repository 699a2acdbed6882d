// The module's own, which fakes of the globals leave alone.
import { setImmediate as turn } from 'node:timers/promises';
import { HarnessError } from '../errors/harness-error.js';

/**
 * Sockets and promises of Node stand on these two. Where they are faked, nothing arrives any more, and nobody says why.
 * @throws {HarnessError} when one of them does not call back
 */
export async function checkTurns(): Promise<void> {
  const faked = new Set(['process.nextTick', 'queueMicrotask']);
  process.nextTick(() => faked.delete('process.nextTick'));
  queueMicrotask(() => faked.delete('queueMicrotask'));
  await turn();
  if (faked.size === 0) return;
  throw new HarnessError(
    `${[...faked].join(' and ')}: not called back, because faked, as sinon.useFakeTimers() and jest.useFakeTimers() do. Nothing arrives over a socket then. Leave them real: sinon.useFakeTimers({ toNotFake: ['nextTick', 'queueMicrotask'] }), jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask'] }). The time of the application is moved by harness.advance()`,
  );
}
