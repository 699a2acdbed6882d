import { MessageValidationError } from '@leveret/core';
import { expect } from 'chai';
import { IsInt, Validate, ValidatorConstraint } from 'class-validator';
import { describe, it } from 'mocha';
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
