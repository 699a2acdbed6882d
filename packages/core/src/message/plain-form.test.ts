import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { plainForm, usePlainForm } from './plain-form.js';

describe('plainForm', () => {
  afterEach(() => usePlainForm(undefined as never));

  it('leaves payloads as they are, until the whole process is told how they are written', () => {
    const payload = { id: 1 };
    expect(plainForm(payload)).to.equal(payload);
    usePlainForm((given) => ({ written: given }));
    expect(plainForm(payload)).to.deep.equal({ written: { id: 1 } });
    expect(globalThis).to.have.property(Symbol.for('leveret.plain-form') as never);
  });
});
