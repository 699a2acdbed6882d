import { MessageConversionError, MessageValidationError } from '@leveret/core';
import { expect } from 'chai';
import { IsInt, Validate, ValidatorConstraint } from 'class-validator';
import { describe, it } from 'mocha';
import { z } from 'zod';
import { validatePayload } from './validate-payload.js';

class Paid {
  @IsInt() orderId: unknown;

  constructor(orderId: unknown) {
    this.orderId = orderId;
  }
}

describe('validatePayload', () => {
  it('throws all violations of an instance', () => {
    expect(() => validatePayload(new Paid('x'))).to.throw(MessageValidationError, 'orderId must be an integer number');
    expect(validatePayload(new Paid(1))).to.equal(undefined);
  });

  it('lets pass what has no rules', () => {
    class Free {}
    for (const payload of [
      new Free(),
      { orderId: 'x' },
      [1],
      'text',
      null,
      undefined,
      Buffer.from('x'),
      Object.create(null),
    ]) {
      expect(validatePayload(payload)).to.equal(undefined);
    }
  });

  it('goes by what the payload is declared as, class or schema', () => {
    const schema = z.object({ id: z.number(), at: z.coerce.date() });
    expect(validatePayload({ id: 1, at: new Date() }, schema)).to.equal(undefined);
    expect(validatePayload([{ id: 1, at: '2026-11-27' }], [schema])).to.equal(undefined);
    expect(() => validatePayload({ id: 'x', at: 0 }, schema)).to.throw(
      MessageValidationError,
      /1 rule of the zod schema/,
    );
    expect(() => validatePayload([{ id: 'x', at: 0 }], [schema])).to.throw(MessageValidationError, '[0].id');
    expect(validatePayload({ orderId: 1 }, Paid)).to.equal(undefined);
    expect(() => validatePayload({ orderId: 'x' }, Paid)).to.throw(MessageValidationError, 'rule of Paid');
    expect(() => validatePayload('x', Paid)).to.throw(MessageConversionError, 'expected an object, got a string');
    expect(() => validatePayload(7, String)).to.throw(MessageConversionError);
    expect(validatePayload(Buffer.from('x'), Buffer)).to.equal(undefined);
  });

  it('waits for a schema that is asynchronous', async () => {
    const schema = z.string().refine(async (text) => text === 'a');
    expect(await validatePayload('a', schema)).to.equal(undefined);
    expect(await Promise.resolve(validatePayload('b', schema)).catch((error: unknown) => error)).to.be.instanceOf(
      MessageValidationError,
    );
  });

  it('leaves a payload as it was given', () => {
    const payload = Object.freeze({ name: 'a' });
    validatePayload(payload, z.object({ name: z.string().toUpperCase() }));
    expect(payload).to.deep.equal({ name: 'a' });
  });

  it('rejects later when a rule is asynchronous', async () => {
    @ValidatorConstraint({ name: 'never', async: true })
    class Never {
      validate(): Promise<boolean> {
        return Promise.resolve(false);
      }
    }
    class Doomed {
      @Validate(Never) id = 1;
    }
    const error = await Promise.resolve(validatePayload(new Doomed())).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(MessageValidationError);
  });
});
