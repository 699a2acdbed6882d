import { BadRequestException, ForbiddenException, HttpException } from '@nestjs/common';
import { expect } from 'chai';
import { AcknowledgeMessage, RejectMessage } from 'leveret';
import { describe, it } from 'mocha';
import { Origins } from './origins.js';
import { isOutcome, outcomeOf } from './outcomes.js';

const named = (name: string) => Object.assign(new Error(name), { name });

describe('outcomeOf', () => {
  const refused = (error: unknown, origin: 'guard' | 'pipe' | 'other') =>
    (outcomeOf(error, origin) as { code?: string }).code === 'LEV_MESSAGE_REFUSED' ||
    outcomeOf(error, origin) !== error;
  const cases: readonly [string, unknown, [guard: boolean, pipe: boolean, other: boolean]][] = [
    ['ForbiddenException', new ForbiddenException(), [true, true, true]],
    ['status 400', new BadRequestException(), [true, true, false]],
    ['status 499', new HttpException('x', 499), [true, true, false]],
    ['status 399', new HttpException('x', 399), [false, false, false]],
    ['status 500', new HttpException('x', 500), [false, false, false]],
    ['status 408', new HttpException('x', 408), [false, false, false]],
    ['status 429', new HttpException('x', 429), [false, false, false]],
    ['an error', new Error('x'), [false, true, false]],
    ['a text', 'x', [false, true, false]],
    ['an error with a code', Object.assign(new Error('x'), { code: 'ECONNRESET' }), [false, false, false]],
    ['a time-out', named('TimeoutError'), [false, false, false]],
    ['what was aborted', named('AbortError'), [false, false, false]],
  ];
  for (const [what, error, expected] of cases) {
    it(`takes ${what} of guard, pipe and handler for ${expected.map((each) => (each ? 'refused' : 'failed')).join(', ')}`, () => {
      expect((['guard', 'pipe', 'other'] as const).map((origin) => refused(error, origin))).to.deep.equal(expected);
    });
  }

  it('leaves alone what asks for an outcome, however deep', () => {
    const reject = new RejectMessage('no');
    const wrapped = (times: number) => {
      let error: unknown = reject;
      for (let n = 0; n < times; n++) error = new ForbiddenException('x', { cause: error });
      return error;
    };
    expect(outcomeOf(reject, 'pipe')).to.equal(reject);
    const deep = wrapped(31);
    expect(outcomeOf(deep, 'guard')).to.equal(deep);
    const deeper = wrapped(32);
    expect(outcomeOf(deeper, 'guard')).to.not.equal(deeper);
    expect([isOutcome(reject), isOutcome(new AcknowledgeMessage()), isOutcome(new Error('x'))]).to.deep.equal([
      ...[true, true, false],
    ]);
  });

  it('says who refused it, with what a validation found, twenty of it at most', () => {
    const text = (error: unknown, origin: 'guard' | 'pipe' | 'other') => (outcomeOf(error, origin) as Error).message;
    expect(text(new ForbiddenException('no tenant'), 'guard')).to.equal('A guard refused the message: no tenant');
    expect(text(new ForbiddenException('no'), 'other')).to.equal('The message was refused: no');
    const found = Array.from({ length: 21 }, (_, n) => `fault ${n}`);
    const validation = text(new BadRequestException(found), 'pipe');
    expect(validation).to.match(/^A pipe refused the message: .*: fault 0; /);
    expect(validation).to.contain('fault 19').and.not.contain('fault 20');
    expect(text('a text', 'pipe')).to.equal('A pipe refused the message: a text');
  });
});

describe('Origins', () => {
  it('remembers who threw an error, at once or later, and answers what did not fail', async () => {
    const origins = new Origins();
    const [atOnce, later] = [new Error('at once'), new Error('later')];
    expect(() =>
      origins.note('guard', () => {
        throw atOnce;
      }),
    ).to.throw(atOnce);
    expect(await origins.note('pipe', () => Promise.reject(later)).catch((error: unknown) => error)).to.equal(later);
    expect([origins.of(atOnce), origins.of(later), origins.of(new Error('x')), origins.of('x')]).to.deep.equal([
      ...['guard', 'pipe', 'other', 'other'],
    ]);
    expect([origins.note('pipe', () => 5), await origins.note('pipe', async () => 6)]).to.deep.equal([5, 6]);
  });

  it('makes an error of what cannot be remembered', async () => {
    const origins = new Origins();
    const thrown = await origins.note('pipe', () => Promise.reject('text')).catch((error: unknown) => error as Error);
    expect(thrown).to.be.instanceOf(Error).and.to.include({ message: 'text', cause: 'text' });
    expect(origins.of(thrown)).to.equal('pipe');
  });
});
