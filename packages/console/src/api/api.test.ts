import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { MASK } from '../contract/contract.js';
import { ConsoleFault } from '../http/console-fault.js';
import { MaskPaths } from '../mask/mask-paths.js';
import { aMessage } from '../test-support/a-message.js';
import { applicationRoutes } from './application-routes.js';
import type { ConsoleParts } from './console-parts.js';
import { discardRoutes } from './discard-routes.js';
import { changeOf, editRoutes } from './edit-routes.js';
import { lookRoutes } from './look-routes.js';
import { retryRoutes } from './retry-routes.js';

const mask = (...paths: string[]) => ({ paths: new MaskPaths(paths), showUnreadable: false });

describe('the addresses of the API', () => {
  it('are for the role operate wherever they change something, and such an act has a name in the audit log', () => {
    const parts = { clock: new FakeClock(), mask: mask() } as unknown as ConsoleParts;
    const routes = [lookRoutes, retryRoutes, editRoutes, discardRoutes, applicationRoutes].flatMap((of) => of(parts));
    expect(routes.length).to.be.above(20);
    for (const { method, path, needs, act } of routes) {
      expect(needs, path).to.equal(method === 'GET' ? 'read' : 'operate');
      if (method !== 'GET' && !path.endsWith('/plan')) expect(act, path).to.be.a('string');
    }
  });
});

describe('changeOf', () => {
  const message = aMessage({
    body: Buffer.from('{"pin":1234,"a":1}'),
    headers: { pin: 99, deep: { pin: 5, b: 1 }, 'x-tenant': 'acme', 'x-leveret-queue': 'work', 'x-death': [] },
  });

  it('puts originals back, takes headers away, and leaves out what says why it failed', () => {
    const change = changeOf(
      { message },
      {
        body: `{"pin":"${MASK}","a":2}`,
        headers: { pin: MASK, deep: { pin: MASK, b: 2 }, 'x-tenant': null, 'x-new': 'y' },
      },
      mask('pin', 'deep.pin'),
    );
    expect(change.body?.toString()).to.equal('{"pin":1234,"a":2}');
    expect(change.headers).to.eql({ pin: 99, deep: { pin: 5, b: 2 }, 'x-new': 'y' });
  });

  it('leaves alone what is not changed', () => {
    expect(changeOf({ message }, { headers: { 'x-new': 1 } }, mask()).body).to.equal(undefined);
    expect(changeOf({ message }, { body: 'text' }, mask()).headers).to.equal(undefined);
  });

  it('refuses to change what was not shown as a whole', () => {
    for (const body of [Buffer.from([0, 1, 2]), Buffer.from(JSON.stringify('x'.repeat(300_000)))]) {
      expect(() => changeOf({ message: aMessage({ body }) }, { body: 'y' }, mask())).to.throw(/as a whole/);
      expect(changeOf({ message: aMessage({ body }) }, { headers: { a: 1 } }, mask()).body).to.equal(undefined);
    }
    expect(() =>
      changeOf({ message: aMessage({ body: Buffer.from('{broken') }) }, { body: '{}' }, mask('pin')),
    ).to.throw(/as a whole/);
  });

  it('refuses a placeholder that means nothing, headers of the failure, and no change at all', () => {
    for (const change of [
      {},
      { body: `{"a":"${MASK}"}` },
      { body: `x ${MASK}` },
      { headers: { 'x-tenant': MASK } },
      { headers: { deep: { c: MASK } } },
      { headers: { 'x-leveret-queue': 'other' } },
      { headers: { 'x-death': [] } },
    ]) {
      expect(() => changeOf({ message }, change, mask('pin')), JSON.stringify(change)).to.throw(ConsoleFault);
    }
    // Where nothing is masked it is a text like any other.
    expect(changeOf({ message }, { body: MASK }, mask()).body?.toString()).to.equal(MASK);
  });
});
