import { EventEmitter } from 'node:events';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { installShutdownHooks } from './shutdown-hooks.js';

describe('installShutdownHooks', () => {
  it('closes at the first signal, hurries at each further one, and lets go of all of them', () => {
    const emitter = new EventEmitter();
    const steps: string[] = [];
    const actions = {
      close: (signal: string) => steps.push(`close ${signal}`),
      hurry: (signal: string) => steps.push(`hurry ${signal}`),
    };
    const remove = installShutdownHooks(['SIGTERM', 'SIGINT'], actions, emitter as never);
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM']) emitter.emit(signal, signal);
    expect(steps).to.deep.equal(['close SIGTERM', 'hurry SIGINT', 'hurry SIGTERM']);
    remove();
    expect(emitter.eventNames()).to.deep.equal([]);
  });
});
