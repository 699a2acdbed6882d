import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { tableBytes } from '../message/table-bytes.js';
import { cutUtf8, errorHeaders, fingerprint } from './error-headers.js';
import { aFailure } from './failed-delivery.support.test.js';

const roomy = { includeStackTrace: true, maxStackTraceBytes: 8192, budgetBytes: 60_000 };

describe('errorHeaders', () => {
  it('says under the names that Spring writes why the message failed [spring 38]', () => {
    const failure = aFailure({
      of: { exchange: 'pay.direct', routingKey: 'pay.success', headers: { 'x-tenant': 'a' } },
    });
    const headers = errorHeaders(failure, roomy);
    expect(headers).to.include({
      'x-tenant': 'a',
      'x-exception-message': 'card declined',
      'x-original-exchange': 'pay.direct',
      'x-original-routingKey': 'pay.success',
    });
    expect(headers['x-exception-stacktrace']).to.equal((failure.error as Error).stack);
  });

  it('adds facts of its own', () => {
    expect(
      errorHeaders(aFailure({ error: new RangeError('too far'), reason: 'not-retryable' }), roomy),
    ).to.deep.include({
      'x-leveret-listener': 'Orders.onPaid',
      'x-leveret-queue': 'orders',
      'x-leveret-attempts': 3,
      'x-leveret-reason': 'not-retryable',
      'x-leveret-first-failed-at': '2023-11-14T22:13:20.000Z',
      'x-leveret-last-failed-at': '2023-11-14T22:13:23.000Z',
      'x-leveret-error-name': 'RangeError',
    });
  });

  it('says how often it was redelivered, if it was', () => {
    const said = (redeliveries?: number) =>
      errorHeaders({ ...aFailure(), ...(redeliveries === undefined ? {} : { redeliveries }) }, roomy)[
        'x-leveret-redeliveries'
      ];
    expect([said(), said(0), said(1), said(2)]).to.deep.equal([undefined, undefined, 1, 2]);
  });

  it('keeps what is left off the message as a fact', () => {
    const headers = errorHeaders(aFailure({ of: { expiration: '60000', userId: 'guest' } }), roomy);
    expect(headers).to.include({ 'x-leveret-original-expiration': '60000', 'x-leveret-original-user-id': 'guest' });
    expect(errorHeaders(aFailure(), roomy)).not.to.have.any.keys(
      'x-leveret-original-expiration',
      'x-leveret-original-user-id',
    );
  });

  it('leaves the stack trace out when told to [spring 38]', () => {
    expect(errorHeaders(aFailure(), { ...roomy, includeStackTrace: false })).not.to.have.property(
      'x-exception-stacktrace',
    );
  });

  it('drops CC and BCC, which would send the parked message elsewhere too', () => {
    const headers = errorHeaders(aFailure({ of: { headers: { CC: ['a'], BCC: ['b'], cc: 'kept' } } }), roomy);
    expect(headers).not.to.have.any.keys('CC', 'BCC');
    expect(headers).to.have.property('cc', 'kept');
  });

  it('drops from a sender what would be taken for the word of leveret, in any case', () => {
    const forged = {
      'x-leveret-original-user-id': 'payments-admin',
      'x-leveret-approved-by': 'risk',
      'X-Leveret-Attempts': 1,
      'x-original-exchange': 'trusted',
      'x-original-queue': 'trusted',
      'x-exception-cause': 'none',
      'X-EXCEPTION-STACKTRACE': 'none',
      'x-leveret': 'kept',
      'x-originally': 'kept',
      tenant: 'kept',
    };
    const headers = errorHeaders(aFailure({ of: { headers: forged } }), { ...roomy, includeStackTrace: false });
    const foreign = Object.keys(headers).filter((name) => Object.hasOwn(forged, name));
    expect(foreign.sort()).to.deep.equal(['tenant', 'x-leveret', 'x-original-exchange', 'x-originally']);
    expect(headers['x-original-exchange']).to.not.equal('trusted');
    expect(headers).not.to.have.property('x-leveret-headers-left-out');
  });

  it('drops the texts of an earlier failure', () => {
    const before = { 'x-exception-message': 'old', 'x-exception-stacktrace': 'old trace', 'x-leveret-attempts': 9 };
    const headers = errorHeaders(aFailure({ of: { headers: before } }), { ...roomy, includeStackTrace: false });
    expect(headers).to.include({ 'x-exception-message': 'card declined', 'x-leveret-attempts': 3 });
    expect(headers).not.to.have.property('x-exception-stacktrace');
  });

  it('shows the causes below the stack, and ends on causes that go round [spring 39]', () => {
    const inner = new Error('connection refused');
    const outer = new Error('cannot pay', { cause: inner });
    inner.cause = outer;
    const trace = errorHeaders(aFailure({ error: outer }), roomy)['x-exception-stacktrace'] as string;
    expect(trace).to.contain('cannot pay').and.to.contain('\nCaused by: Error: connection refused');
    expect(trace.match(/Caused by/g)).to.have.lengthOf(7);
  });

  it('makes the best of what is no error, or hardly one [spring 39]', () => {
    const text = (error: unknown) => errorHeaders(aFailure({ error }), roomy)['x-exception-message'];
    expect(text('plain text')).to.equal('plain text');
    expect(text(undefined)).to.equal('undefined');
    expect(text(Object.create(null))).to.equal('an object');
    expect(text(new Error())).to.equal('');
    expect(text(Object.assign(new Error(), { message: null, name: undefined, stack: 7 }))).to.equal('null');
    const bare = new Error('no stack');
    delete bare.stack;
    expect(errorHeaders(aFailure({ error: bare }), roomy)['x-exception-stacktrace']).to.equal('no stack');
  });

  describe('when not everything fits', () => {
    const bytesOf = (value: unknown) => Buffer.byteLength(value as string);

    it('cuts the stack trace to its own limit, counted in bytes [spring 40]', () => {
      const error = new Error('é'.repeat(5000));
      const headers = errorHeaders(aFailure({ error }), { ...roomy, maxStackTraceBytes: 1000 });
      expect(bytesOf(headers['x-exception-stacktrace'])).to.be.within(997, 1000);
      expect(headers['x-exception-stacktrace']).to.match(/\.\.\.$/);
    });

    it('cuts a long message, whatever room there is [spring 40]', () => {
      const headers = errorHeaders(aFailure({ error: new Error('x'.repeat(10_000)) }), roomy);
      expect(headers['x-exception-message']).to.equal(`${'x'.repeat(4093)}...`);
    });

    it('gives the message the room before the trace [spring 41]', () => {
      const error = new Error('m'.repeat(2000));
      const facts = tableBytes(
        errorHeaders(aFailure({ error: new Error('') }), { ...roomy, includeStackTrace: false }),
      );
      const headers = errorHeaders(aFailure({ error }), { ...roomy, budgetBytes: facts + 2300 });
      expect(bytesOf(headers['x-exception-message'])).to.equal(2000);
      expect(bytesOf(headers['x-exception-stacktrace'])).to.be.within(1, 300);
    });

    it('leaves out the largest headers it came with, and counts them', () => {
      const foreign = { small: 'a', large: 'x'.repeat(70_000), larger: Buffer.alloc(90_000), tenant: 'b' };
      const headers = errorHeaders(aFailure({ of: { headers: foreign } }), roomy);
      expect(headers).to.include({ small: 'a', tenant: 'b', 'x-leveret-headers-left-out': 2 });
      expect(headers).to.not.have.any.keys('large', 'larger');
      expect(headers).to.have.property('x-exception-message', 'card declined');
      expect(tableBytes(headers)).to.be.at.most(roomy.budgetBytes);
    });

    it('fills the budget to its last byte, and leaves out as few headers as need be', () => {
      const plain = { includeStackTrace: false, maxStackTraceBytes: 0, budgetBytes: 60_000 };
      const { 'x-exception-message': _text, ...own } = errorHeaders(aFailure(), plain);
      const foreign = { a: 'x'.repeat(100), b: 'x'.repeat(200), c: 'x'.repeat(300) };
      const of = { headers: foreign };
      const kept = (budgetBytes: number) => {
        const headers = errorHeaders(aFailure({ of }), { ...plain, budgetBytes });
        return [Object.keys(foreign).filter((name) => name in headers), headers['x-leveret-headers-left-out']];
      };
      const all = tableBytes(foreign) + tableBytes(own) + 150;
      const bytes = (name: keyof typeof foreign) => tableBytes({ [name]: foreign[name] }) - tableBytes({});
      expect(
        [all, all - 1, all - bytes('c'), all - bytes('c') - 1, all - bytes('c') - bytes('b')].map(kept),
      ).to.deep.equal([
        [['a', 'b', 'c'], undefined],
        [['a', 'b'], 1],
        [['a', 'b'], 1],
        [['a'], 2],
        [['a'], 2],
      ]);
      const unwritable = errorHeaders(aFailure({ of: { headers: { ...foreign, f: () => 1 } } }), plain);
      expect(unwritable).to.include({ 'x-leveret-headers-left-out': 1 }).and.not.have.property('f');
      expect(unwritable).to.have.property('c');
    });

    it('gives its texts what room is left beside the headers, the message before the trace', () => {
      const error = new Error('m'.repeat(3000));
      const budgetOf = (more: number) =>
        tableBytes(errorHeaders(aFailure({ error: new Error('') }), { ...roomy, includeStackTrace: false })) -
        tableBytes({ 'x-exception-message': '' }) +
        tableBytes({}) +
        150 +
        more;
      const textsOf = (more: number) => {
        const headers = errorHeaders(aFailure({ error }), { ...roomy, budgetBytes: budgetOf(more) });
        return [headers['x-exception-message'], headers['x-exception-stacktrace']].map((text) =>
          text === undefined ? undefined : bytesOf(text),
        );
      };
      expect([0, 7, 3000, 3100].map(textsOf)).to.deep.equal([
        [0, undefined],
        [7, undefined],
        [3000, undefined],
        [3000, 100],
      ]);
    });

    it('cuts the names of service and error at 200 bytes', () => {
      const error = Object.assign(new Error('x'), { name: 'n'.repeat(201) });
      const headers = errorHeaders({ ...aFailure({ error }), service: 's'.repeat(201) }, roomy);
      expect(headers['x-leveret-service']).to.equal(`${'s'.repeat(197)}...`);
      expect(headers['x-leveret-error-name']).to.equal(`${'n'.repeat(197)}...`);
      expect(errorHeaders({ ...aFailure(), service: 's'.repeat(200) }, roomy)).to.include({
        'x-leveret-service': 's'.repeat(200),
      });
      expect(errorHeaders(aFailure(), roomy)).to.not.have.property('x-leveret-service');
    });

    it('shows eight errors of a chain of causes', () => {
      let error = new Error('cause 0');
      for (let depth = 1; depth < 12; depth++) error = new Error(`cause ${depth}`, { cause: error });
      const trace = errorHeaders(aFailure({ error }), { ...roomy, maxStackTraceBytes: 50_000 })[
        'x-exception-stacktrace'
      ];
      expect(String(trace).match(/^(?:Caused by: )?Error: cause \d+$/gm)).to.have.length(8);
    });

    it('never takes more than the budget, whatever the message brings', () => {
      const value = fc.oneof(
        fc.string({ unit: 'binary', maxLength: 4000 }),
        fc.nat(),
        fc.array(fc.string(), { maxLength: 20 }),
        fc.uint8Array({ maxLength: 4000 }).map((bytes) => Buffer.from(bytes)),
      );
      const budgets = fc.integer({ min: 1800, max: 20_000 });
      fc.assert(
        fc.property(
          fc.dictionary(fc.string({ maxLength: 40 }), value),
          fc.string({ unit: 'binary' }),
          budgets,
          (own, text, budgetBytes) => {
            const error = new Error(text.repeat(50));
            error.name = 'ä'.repeat(300);
            const options = { includeStackTrace: true, maxStackTraceBytes: 50_000, budgetBytes };
            const headers = errorHeaders(aFailure({ error, of: { headers: own } }), options);
            expect(tableBytes(headers)).to.be.at.most(budgetBytes);
          },
        ),
      );
    });
  });
});

describe('cutUtf8', () => {
  it('leaves alone what fits, to the byte', () => {
    expect(cutUtf8('größe', 7)).to.equal('größe');
    expect(cutUtf8('größe', 6)).to.equal('gr...');
  });

  it('cuts between characters, and marks the cut where there is room', () => {
    expect(cutUtf8('€€€€', 9)).to.equal('€€...');
    expect(cutUtf8('€€€€', 8)).to.equal('€...');
    expect(cutUtf8('😀😀', 6)).to.equal('...');
    expect(cutUtf8('abcdefgh', 5)).to.equal('abcde');
    expect([1, 2, 3].map((bytes) => cutUtf8('€€', bytes))).to.deep.equal(['', '', '€']);
    expect(cutUtf8('abc', 0)).to.equal('');
    expect(cutUtf8('abc', -5)).to.equal('');
  });

  it('never exceeds the limit, and never makes up a character', () => {
    const texts = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\ufffd'));
    fc.assert(
      fc.property(texts, fc.nat(60), (text, maxBytes) => {
        const cut = cutUtf8(text, maxBytes);
        expect(Buffer.byteLength(cut)).to.be.at.most(maxBytes);
        expect(cut).not.to.contain('\ufffd');
        if (cut !== text) expect(text.startsWith(cut.replace(/\.\.\.$/, ''))).to.equal(true);
      }),
    );
  });
});

describe('fingerprint', () => {
  const withStack = (...frames: string[]) =>
    Object.assign(new Error('order 17 is unknown'), { stack: ['Error: order 17 is unknown', ...frames].join('\n') });
  const frame = (at: string) => `    at ${at}`;

  it('is the same for the same place, whatever the message, the line and the folder', () => {
    const stacks = [
      frame('Orders.load (/srv/app/dist/orders.js:10:5)'),
      frame('Orders.load (/srv/app/dist/orders.js:99:1)'),
      frame('Orders.load (file:///home/build/7/dist/orders.js:10:5)'),
      frame('Orders.load (C:\\app\\dist\\orders.js:10:5)'),
    ];
    const prints = new Set(stacks.map((stack) => fingerprint(withStack(stack))));
    expect(prints.size).to.equal(1);
    expect([...prints][0]).to.match(/^[0-9a-f]{16}$/);
  });

  it('looks past frames of Node and of installed packages', () => {
    const own = frame('Orders.load (/srv/app/dist/orders.js:10:5)');
    const foreign = [
      frame('process.processTicks (node:internal/process:95:5)'),
      frame('x (/srv/node_modules/pg/a.js:1:1)'),
    ];
    expect(fingerprint(withStack(...foreign, own))).to.equal(fingerprint(withStack(own)));
  });

  it('tells places, and kinds of errors, apart', () => {
    const a = withStack(frame('Orders.load (/srv/app/dist/orders.js:10:5)'));
    const b = withStack(frame('Orders.save (/srv/app/dist/orders.js:10:5)'));
    const c = Object.assign(withStack(frame('Orders.load (/srv/app/dist/orders.js:10:5)')), { name: 'RangeError' });
    const d = withStack(frame('/srv/app/dist/orders.js:10:5'));
    expect(new Set([a, b, c, d].map(fingerprint)).size).to.equal(4);
  });

  it('is stable for what has no stack', () => {
    expect(fingerprint('text')).to.equal(fingerprint('other text'));
    expect(fingerprint('text')).not.to.equal(fingerprint(new Error('text')));
    expect(fingerprint(undefined)).to.match(/^[0-9a-f]{16}$/);
    // What was parked years ago is found together with what is parked today.
    expect(fingerprint('text')).to.equal('0d93786c04a01c58');
  });
});
