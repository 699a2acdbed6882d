import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Journal } from './journal.js';
import { spyOnListener } from './spy-on-listener.js';

class Base {
  readonly #secret = 'secret';
  readonly given = () => 'given';

  read(): string {
    return this.#secret;
  }
}

class Derived extends Base {
  get size(): number {
    return 1;
  }

  override read(): string {
    return `derived ${super.read()}`;
  }
}

describe('spyOnListener', () => {
  const spied = (instance: object) => spyOnListener(instance, new Journal(), () => {});

  it('leaves what the methods do as it is, private fields and base classes included', () => {
    const derived = new Derived();
    const { given } = derived;
    spied(derived);
    expect([derived.read(), derived.size, derived.given]).to.deep.equal(['derived secret', 1, given]);
    expect(Object.keys(derived)).to.deep.equal(['given']);
  });

  it('can be taken back, also when several watch the same instance', () => {
    const derived = new Derived();
    const undo = [spied(derived), spied(derived)];
    for (const each of undo.reverse()) each();
    expect(Object.getOwnPropertyNames(derived)).to.deep.equal(['given']);
  });

  it('leaves a method alone that was replaced meanwhile', () => {
    const derived = new Derived();
    const undo = spied(derived);
    const stub = () => 'stub';
    derived.read = stub;
    undo();
    expect(derived.read).to.equal(stub);
  });

  it('refuses an instance that cannot be watched, and says what to do', () => {
    expect(() => spied(Object.freeze(new Derived()))).to.throw(TypeError, /frozen instance of Derived: bind the class/);
  });
});
