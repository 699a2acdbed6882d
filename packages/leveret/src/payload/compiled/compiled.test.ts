import 'reflect-metadata';
import { contentTypeConverter, type Message, MessageValidationError, type PayloadClass } from '@leveret/core';
import { expect } from 'chai';
import { Expose, Transform, Type } from 'class-transformer';
import { getMetadataStorage, IsInt, IsString, Validate, ValidatePromise, ValidatorConstraint } from 'class-validator';
import fc from 'fast-check';
import { after, before, describe, it } from 'mocha';
import { compareReadings, newTally, usingQuickContainer } from '../../test-support/same-reading.js';
import { inspectPayload } from '../inspect-payload.js';
import { libraryCheck } from '../library-check.js';
import { payloadReader, type ReadingPolicy } from '../payload-reader.js';
import { targetOf } from '../payload-target.js';
import { instanceCheck } from './check-instance.js';
import { findUnknownLibrary } from './known-libraries.js';

describe('compiled classes', () => {
  let restore: () => void;
  before(() => {
    restore = usingQuickContainer();
  });
  after(() => restore());

  // `npm run differential` does so for very many.
  it('read what class-transformer and class-validator read, letter by letter', async () => {
    const tally = newTally();
    // Without the bias that numbers have for their ends: all that can be chosen is as likely.
    const below = (count: number) => fc.noBias(fc.nat({ max: count - 1 }));
    await fc.assert(
      fc.asyncProperty(fc.gen(), (draw) => compareReadings({ below: (count) => draw(below, count) }, tally)),
      // Classes do not shrink in any bounded time.
      { numRuns: 80, endOnFailure: true },
    );
    expect(tally.valid, 'valid payloads').to.be.greaterThan(tally.cases / 20);
    expect(tally.invalid, 'payloads that break rules').to.be.greaterThan(tally.cases / 5);
    expect(tally.thrown, 'rules and transformations that throw').to.be.greaterThan(0);
  }).timeout(20_000);
});

describe('compiled classes whose decorators change', () => {
  it('heed a rule that is registered after the first message', () => {
    class Pay {
      @IsInt() id!: number;
    }
    class Special extends Pay {}
    const read = readerOf(Special);
    expect(read(messageOf({ id: 1, note: 2 }))).to.be.instanceOf(Special);
    IsString()(Pay.prototype, 'note');
    expect(() => read(messageOf({ id: 1, note: 2 }))).to.throw(MessageValidationError, 'note must be a string');
  });

  it('heed a type, a name and a transformation that come after the first message', () => {
    class Item {}
    class Pay {
      id!: number;
      item: unknown;
    }
    const read = readerOf(Pay);
    expect(read(messageOf({ id: 1, item: {} }))).to.deep.include({ id: 1, item: {} });
    Type(() => Item)(Pay.prototype, 'item');
    expect((read(messageOf({ item: {} })) as Pay).item).to.be.instanceOf(Item);
    Type(() => String)(Pay.prototype, 'item');
    expect((read(messageOf({ item: 5 })) as Pay).item).to.equal('5');
    Expose({ name: 'number' })(Pay.prototype, 'id');
    expect((read(messageOf({ number: 7 })) as Pay).id).to.equal(7);
    Transform(({ value }) => value + 1)(Pay.prototype, 'id');
    expect((read(messageOf({ number: 7 })) as Pay).id).to.equal(8);
    Transform(({ value }) => value * 2)(Pay.prototype, 'id');
    expect((read(messageOf({ number: 7 })) as Pay).id).to.equal(15);
  });

  it('are left to the libraries when those are patched', () => {
    expect(findUnknownLibrary()).to.equal(undefined);
    for (const [owner, name] of [
      [Object.getPrototypeOf(getMetadataStorage()), 'groupByPropertyName'],
      [getMetadataStorage(), 'getTargetValidationMetadatas'],
    ]) {
      const was = Object.getOwnPropertyDescriptor(owner, name);
      owner[name] = () => [];
      try {
        expect(findUnknownLibrary()).to.match(/^class-validator is another one than leveret knows, or was patched/);
      } finally {
        delete owner[name];
        if (was !== undefined) Object.defineProperty(owner, name, was);
      }
    }
    expect(findUnknownLibrary()).to.equal(undefined);
  });
});

describe('inspectPayload', () => {
  class Tag {
    @ValidatePromise() name!: unknown;
  }
  class Item {
    @Type(() => Tag) tag!: Tag;
  }
  class Order {
    @Type(() => Item) items!: Item[];
    @Type(() => Tag) byName!: Map<string, Tag>;
  }
  class Plain {
    @IsInt() id!: number;
    @Type(() => Plain) other?: Plain;
  }

  it('tells that a class is read by compiled rules', () => {
    expect(inspectPayload(Plain)).to.deep.equal({ compiled: true, reasons: [] });
  });

  it('names what is left to the libraries, and why', () => {
    expect(inspectPayload(Order)).to.deep.equal({
      compiled: false,
      reasons: [
        'Order.byName: a Map is made by class-transformer',
        'Tag: @ValidatePromise() is left to class-validator',
      ],
    });
    expect(inspectPayload(Order, false).reasons).to.have.lengthOf(1);
  });
});

describe('rules of the user’s own', () => {
  @ValidatorConstraint({ name: 'isOdd' })
  class IsOdd {
    validate(value: unknown): boolean {
      if (typeof value !== 'number') throw new TypeError('no number');
      return value % 2 === 1;
    }
  }
  const down = new Error('database down');
  @ValidatorConstraint({ name: 'isKnown', async: true })
  class IsKnown {
    validate(value: unknown): Promise<boolean> {
      if (value === 'no connection') throw down;
      return value === 'down' ? Promise.reject(down) : Promise.resolve(value === 'a');
    }
  }
  class Coupon {
    @Validate(IsKnown) code!: string;
    @Validate(IsOdd) count!: number;
  }
  class Count {
    @Validate(IsOdd) count!: number;
  }
  const read = (type: PayloadClass, value: unknown) => readerOf(type)(messageOf(value));

  it('are answered at once when they answer at once', () => {
    expect(read(Count, { count: 1 })).to.be.instanceOf(Count);
    expect(() => read(Count, { count: 2 })).to.throw(MessageValidationError);
  });

  it('make the message at fault when they throw, unless they said that they take time', async () => {
    expect(() => read(Count, { count: 'x' })).to.throw(MessageValidationError, 'A rule of Count threw');
    for (const code of ['no connection', 'down']) {
      const error = await Promise.resolve(read(Coupon, { code, count: 1 })).catch((reason: unknown) => reason);
      expect(error).to.equal(down);
    }
  });

  class Promised extends Coupon {
    @ValidatePromise() later!: unknown;
  }
  for (const [how, check] of [
    ['by compiled rules', () => instanceCheck({})(coupon(Coupon))],
    ['by the walk of class-validator, from a class on', () => instanceCheck({})(coupon(Promised))],
    ['by the walk of class-validator', () => libraryCheck({})(coupon(Coupon))],
  ] as const) {
    it(`leave no rejection behind when another one throws, ${how}`, async () => {
      const unhandled: unknown[] = [];
      const note = (reason: unknown) => unhandled.push(reason);
      process.on('unhandledRejection', note);
      try {
        expect(check).to.throw(TypeError, 'no number');
        await new Promise((resolve) => setImmediate(resolve));
        expect(unhandled).to.deep.equal([]);
      } finally {
        process.off('unhandledRejection', note);
      }
    });
  }

  function coupon(type: typeof Coupon): Coupon {
    return Object.assign(new type(), { code: 'down', count: 'x' as never });
  }

  it('leave no rejection behind when another one throws', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    try {
      expect(() => read(Coupon, { code: 'down', count: 'x' })).to.throw(MessageValidationError);
      const all = payloadReader(targetOf(Coupon, true), policy);
      const elements = [
        { code: 'down', count: 1 },
        { code: 'a', count: 'x' },
      ];
      expect(() => all(messageOf(elements))).to.throw(MessageValidationError);
      await new Promise((resolve) => setImmediate(resolve));
      expect(unhandled).to.deep.equal([]);
    } finally {
      process.off('unhandledRejection', note);
    }
  });
});

const policy: ReadingPolicy = { converter: contentTypeConverter(), validation: {}, hints: {} };

function readerOf(type: PayloadClass) {
  return payloadReader(targetOf(type), policy);
}

function messageOf(value: unknown): Message {
  const body = Buffer.from(JSON.stringify(value));
  return { body, contentType: 'application/json', headers: {}, exchange: '', routingKey: 'q', redelivered: false };
}
