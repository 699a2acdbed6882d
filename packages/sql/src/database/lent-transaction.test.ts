import { expect } from 'chai';
import { describe, it } from 'mocha';
import { rejection } from '../test-support/rejection.js';
import { type LendOptions, LentTransaction, lenderOf } from './lent-transaction.js';

class FakeClient {
  readonly #sent: string[] = [];
  readonly listeners: string[] = [];
  released = 0;
  readonly inner = { query: (text: string) => this.query(text) };
  answer: () => unknown = async () => ({ rows: [{ id: 1 }] });

  get sent(): readonly string[] {
    return this.#sent;
  }

  query(text: string): unknown {
    this.#sent.push(text);
    return this.answer();
  }

  prepare(text: string) {
    return {
      run: () => this.query(text),
      raw() {
        return this;
      },
    };
  }

  on(name: string): this {
    this.listeners.push(name);
    return this;
  }

  release(): void {
    this.released++;
  }
}

function lend(of: LendOptions['of'] = 'connection') {
  const client = new FakeClient();
  const loan = new LentTransaction(client, { of });
  return { client, loan, lent: loan.lent };
}

function lentOf<Tx>(client: Tx) {
  const loan = new LentTransaction(client, { of: 'connection' });
  return { lent: loan.lent, end: () => loan.end() };
}

const OVER = /This attempt is over, and its transaction with it/;

describe('LentTransaction', () => {
  it('looks and works like the connection', async () => {
    const { client, lent } = lend();
    expect(await lent.query('SELECT 1')).to.deep.equal({ rows: [{ id: 1 }] });
    expect(lent).to.be.instanceOf(FakeClient);
    expect([lent.constructor, lent.query, 'prepare' in lent]).to.deep.equal([FakeClient, lent.query, true]);
    expect(lent.sent).to.deep.equal(['SELECT 1']);
    expect(lent.inner, 'the same face each time').to.equal(lent.inner);
    lent.released = 3;
    expect(client.released).to.equal(3);
    expect(lenderOf(lent)?.transaction).to.equal(client);
    expect([lenderOf(client), lenderOf(undefined), lenderOf('tx')]).to.deep.equal([undefined, undefined, undefined]);
  });

  it('refuses every way to the database behind its end', async () => {
    for (const of of ['connection', 'synchronous'] as const) {
      const { client, loan, lent } = lend(of);
      const later = lent.query;
      const ways: (() => unknown)[] = [
        () => lent.query('1'),
        () => lent.prepare('2'),
        lent.prepare('3').run,
        lent.prepare('4').raw().run,
        () => lent.inner.query('5'),
        () => lent.on('error').query('6'),
        () => later('7'),
      ];
      loan.end();
      loan.end();
      for (const way of ways) {
        if (of === 'synchronous') expect(way).to.throw(OVER).with.property('code', 'LEV_ATTEMPT_OVER');
        else expect(await rejection(way() as Promise<unknown>)).to.include({ code: 'LEV_ATTEMPT_OVER' });
      }
      expect(client.sent).to.deep.equal([]);
      expect(client.listeners).to.deep.equal(['error']);
    }
  });

  it('refuses in the way in which the driver tells an error', async () => {
    const { loan, lent } = lend();
    const query = lent.query as (...args: unknown[]) => unknown;
    loan.end();
    const told = await new Promise((resolve) => query('SELECT 1', resolve));
    expect(told).to.include({ code: 'LEV_ATTEMPT_OVER' });
    expect(() => query({ submit: () => {} })).to.throw(OVER);
  });

  it('lets a handler clear up behind its end, but not close what is no longer its own', () => {
    const calls: string[] = [];
    const client = {
      destroy: () => calls.push('destroy'),
      off: () => calls.push('off'),
      escapeLiteral: (text: string) => `'${text}'`,
      [Symbol.dispose]() {
        calls.push(this === client ? 'dispose' : 'with another this');
      },
    };
    const { lent, ...loan } = { ...lentOf(client) };
    lent[Symbol.dispose]();
    lent.destroy();
    loan.end();
    lent.destroy();
    lent.off();
    expect([calls, lent.escapeLiteral('a')]).to.deep.equal([['dispose', 'destroy', 'off'], "'a'"]);
  });

  it('gives the connection back to nobody, for it is not the handler that has it', () => {
    const { client, loan, lent } = lend();
    lent.release();
    loan.end();
    lent.release();
    expect(client.released).to.equal(0);
  });

  it('knows that a statement runs, until its answer is there', async () => {
    const { client, loan, lent } = lend();
    let answer: (error?: Error) => void = () => {};
    client.answer = () =>
      new Promise((resolve, reject) => {
        answer = (error) => (error === undefined ? resolve({ rows: [] }) : reject(error));
      });
    for (const error of [undefined, new Error('broken')]) {
      const running = lent.query('SELECT 1') as Promise<unknown>;
      expect(loan.busy).to.equal(true);
      answer(error);
      expect(await running.catch((thrown: unknown) => thrown)).to.deep.equal(error ?? { rows: [] });
      expect(loan.busy).to.equal(false);
    }
  });

  it('takes a statement without a promise for running, unless its driver is synchronous', () => {
    for (const [of, busy] of [
      ['connection', true],
      ['synchronous', false],
    ] as const) {
      const { client, loan, lent } = lend(of);
      client.answer = () => undefined;
      lent.query('SELECT 1');
      expect(loan.busy).to.equal(busy);
    }
  });

  it('closes rows that are being read, which would keep the connection from rolling back', () => {
    const { client, loan, lent } = lend('synchronous');
    let open = true;
    client.answer = function* () {
      try {
        for (;;) yield { id: 1 };
      } finally {
        open = false;
      }
    };
    const rows = lent.query('SELECT') as Iterator<unknown>;
    rows.next();
    loan.end();
    expect([open, rows.next()]).to.deep.equal([false, { value: undefined, done: true }]);
  });

  it('closes rows once, and gets along with rows that cannot be closed', () => {
    const { client, loan, lent } = lend('synchronous');
    let closed = 0;
    const rows = (close: () => void) => ({
      next: () => ({ value: 1, done: false }),
      return: () => {
        close();
        return { value: undefined, done: true };
      },
      [Symbol.iterator]() {
        return this;
      },
    });
    const given = [
      rows(() => {
        throw new Error('was never begun');
      }),
      rows(() => closed++),
    ];
    client.answer = () => given.shift();
    lent.query('first');
    lent.query('second');
    loan.end();
    loan.end();
    expect(closed).to.equal(1);
  });

  it('lends a function, such as the transaction of some mappers, and what is frozen', () => {
    const calls: unknown[] = [];
    const tx = Object.assign((table: string) => calls.push(table), { raw: (text: string) => calls.push(text) });
    const loan = new LentTransaction(Object.freeze(tx), { of: 'mapper' });
    loan.lent('orders');
    loan.lent.raw('SELECT 1');
    loan.end();
    expect(() => loan.lent('late')).to.throw(OVER);
    expect(() => loan.lent.raw('late')).to.throw(OVER);
    expect(calls).to.deep.equal(['orders', 'SELECT 1']);
  });

  it('hands out as it is what a mapper builds, and a transaction that is no object', () => {
    const builder = { execute: () => 1 };
    const loan = new LentTransaction({ select: () => builder }, { of: 'mapper' });
    expect(loan.lent.select()).to.equal(builder);
    expect(new LentTransaction(7, { of: 'mapper' }).lent).to.equal(7);
  });
});
