import 'reflect-metadata';
import {
  contentTypeConverter,
  MessageConversionError,
  MessageValidationError,
  type OnePayloadType,
  type ReadHints,
} from '@leveret/core';
import { type as ark } from 'arktype';
import { expect } from 'chai';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMinSize,
  IsArray,
  IsDate,
  IsEmail,
  IsIn,
  IsInt,
  IsOptional,
  IsPositive,
  IsString,
  MaxLength,
  Validate,
  ValidateNested,
  ValidatorConstraint,
  type ValidatorConstraintInterface,
} from 'class-validator';
import { describe, it } from 'mocha';
import * as v from 'valibot';
import { z } from 'zod';
import { payloadReader } from './payload-reader.js';
import { targetOf } from './payload-target.js';

/** What a rule does that is none of a library's own. */
interface Rules {
  sync(code: string): boolean;
  async(code: string): Promise<boolean>;
}

/** The same payloads, declared with one library. */
interface Library {
  readonly order: OnePayloadType;
  /** With a default, a transform to upper case, a date, and one of two words. */
  readonly event: OnePayloadType;
  /** `code` is judged by a rule of the test. `undefined` where there are no such rules. */
  readonly sync: (rules: Rules) => OnePayloadType;
  readonly async: ((rules: Rules) => OnePayloadType) | undefined;
}

class Item {
  @IsString() name!: string;
  @IsPositive() price!: number;
}

class Order {
  @IsInt() id!: number;
  @IsOptional() @IsEmail() mail?: string;
  @ValidateNested({ each: true })
  @Type(() => Item)
  @ArrayMinSize(1)
  @IsArray()
  items!: Item[];
}

class Event {
  @IsOptional() @IsInt() retries: number = 3;
  @Transform(({ value }) => (typeof value === 'string' ? value.toUpperCase() : value)) @MaxLength(5) code!: string;
  @Type(() => Date) @IsDate() at!: Date;
  @IsIn(['paid', 'refunded']) kind!: 'paid' | 'refunded';
}

const upperInArk = ark('string <= 5').pipe((text) => text.toUpperCase());

const LIBRARIES: Readonly<Record<string, Library>> = {
  'class-validator': {
    order: Order,
    event: Event,
    sync({ sync }) {
      @ValidatorConstraint()
      class Rule implements ValidatorConstraintInterface {
        validate = sync;
      }
      class Coupon {
        @Validate(Rule) code!: string;
      }
      return Coupon;
    },
    async({ async }) {
      @ValidatorConstraint({ async: true })
      class Rule implements ValidatorConstraintInterface {
        validate = async;
      }
      class Coupon {
        @Validate(Rule) code!: string;
      }
      return Coupon;
    },
  },
  zod: {
    order: z.object({
      id: z.int(),
      mail: z.email().optional(),
      items: z.array(z.object({ name: z.string(), price: z.number().positive() })).min(1),
    }),
    event: z.object({
      retries: z.int().default(3),
      code: z
        .string()
        .max(5)
        .transform((text) => text.toUpperCase()),
      at: z.coerce.date(),
      kind: z.enum(['paid', 'refunded']),
    }),
    sync: ({ sync }) => z.object({ code: z.string().refine(sync) }),
    async: ({ async }) => z.object({ code: z.string().refine(async) }),
  },
  valibot: {
    order: v.object({
      id: v.pipe(v.number(), v.integer()),
      mail: v.optional(v.pipe(v.string(), v.email())),
      items: v.pipe(v.array(v.object({ name: v.string(), price: v.pipe(v.number(), v.gtValue(0)) })), v.minLength(1)),
    }),
    event: v.object({
      retries: v.optional(v.pipe(v.number(), v.integer()), 3),
      code: v.pipe(v.string(), v.maxLength(5), v.toUpperCase()),
      at: v.pipe(
        v.string(),
        v.isoTimestamp(),
        v.transform((text) => new Date(text)),
      ),
      kind: v.picklist(['paid', 'refunded']),
    }),
    sync: ({ sync }) => v.object({ code: v.pipe(v.string(), v.check(sync)) }),
    async: ({ async }) => v.objectAsync({ code: v.pipeAsync(v.string(), v.checkAsync(async)) }),
  },
  arktype: {
    order: ark({
      id: 'number.integer',
      'mail?': 'string.email',
      items: ark({ name: 'string', price: 'number > 0' }).array().atLeastLength(1),
    }),
    event: ark({
      retries: 'number.integer = 3',
      code: upperInArk,
      at: 'string.date.iso.parse',
      kind: "'paid' | 'refunded'",
    }),
    sync: ({ sync }) => ark({ code: ark('string').narrow(sync) }),
    // It has no asynchronous rules.
    async: undefined,
  },
};

function read(type: OnePayloadType, body: string, each = false, hints: ReadHints = {}): unknown {
  const reader = payloadReader(targetOf(type, each), { converter: contentTypeConverter(), validation: {}, hints });
  return reader({
    body: Buffer.from(body),
    contentType: 'application/json',
    headers: {},
    exchange: '',
    routingKey: 'q',
    redelivered: false,
  });
}

/** What reading comes to, told the same way for all libraries. */
async function outcomeOf(read: () => unknown): Promise<unknown> {
  try {
    return { payload: plain(await read()) };
  } catch (error) {
    if (error instanceof MessageValidationError) {
      return { invalid: error.violations.map(({ path }) => path), total: error.total };
    }
    if (error instanceof MessageConversionError) return 'unreadable';
    return error;
  }
}

function plain(payload: unknown): unknown {
  return JSON.parse(JSON.stringify(payload));
}

const GOOD = { id: 7, items: [{ name: 'a', price: 1 }] };
const EVENT = { code: 'abc', at: '2026-11-27T08:00:00.000Z', kind: 'paid' };

type Case = [name: string, read: (library: Library) => unknown, expected: unknown];

const CASES: readonly Case[] = [
  ['a valid payload', ({ order }) => read(order, json(GOOD)), { payload: GOOD }],
  ['a wrong type', ({ order }) => read(order, json({ ...GOOD, id: 'x' })), { invalid: ['id'], total: 1 }],
  ['a missing property', ({ order }) => read(order, json({ items: GOOD.items })), { invalid: ['id'], total: 1 }],
  ['null for a property', ({ order }) => read(order, json({ ...GOOD, id: null })), { invalid: ['id'], total: 1 }],
  [
    'a fraction for a whole number',
    ({ order }) => read(order, json({ ...GOOD, id: 1.5 })),
    { invalid: ['id'], total: 1 },
  ],
  ['a wrong format', ({ order }) => read(order, json({ ...GOOD, mail: 'x' })), { invalid: ['mail'], total: 1 }],
  ['an empty array', ({ order }) => read(order, json({ ...GOOD, items: [] })), { invalid: ['items'], total: 1 }],
  [
    'faults of what is nested, each with its path',
    ({ order }) =>
      read(
        order,
        json({
          id: 7,
          items: [
            { name: 'a', price: 1 },
            { name: 1, price: -1 },
          ],
        }),
      ),
    { invalid: ['items[1].name', 'items[1].price'], total: 2 },
  ],
  [
    'an array of payloads',
    ({ order }) => read(order, json([GOOD, { ...GOOD, id: 8 }]), true),
    { payload: [GOOD, { ...GOOD, id: 8 }] },
  ],
  [
    'an array with a fault',
    ({ order }) => read(order, json([GOOD, { ...GOOD, items: [{ name: 'a', price: 'x' }] }]), true),
    { invalid: ['[1].items[0].price'], total: 1 },
  ],
  ['no array where one is declared', ({ order }) => read(order, json(GOOD), true), 'unreadable'],
  [
    'a default, a transform and a date',
    ({ event }) => read(event, json(EVENT)),
    { payload: { retries: 3, code: 'ABC', at: '2026-11-27T08:00:00.000Z', kind: 'paid' } },
  ],
  [
    'a word that is none of the union',
    ({ event }) => read(event, json({ ...EVENT, kind: 'x' })),
    { invalid: ['kind'], total: 1 },
  ],
  [
    'text that is too long',
    ({ event }) => read(event, json({ ...EVENT, code: 'abcdef' })),
    { invalid: ['code'], total: 1 },
  ],
  ['text that is no date', ({ event }) => read(event, json({ ...EVENT, at: 'soon' })), { invalid: ['at'], total: 1 }],
  ['no JSON', ({ order }) => read(order, '{"id":'), 'unreadable'],
  [
    'a key __proto__',
    ({ order }) => read(order, '{"id":7,"items":[{"name":"a","price":1}],"__proto__":{"x":1}}'),
    'unreadable',
  ],
  [
    'a constructor that holds a prototype',
    ({ order }) => read(order, '{"id":7,"items":[],"constructor":{"prototype":{"x":1}}}'),
    'unreadable',
  ],
  [
    'a body that is too large',
    ({ order }) => read(order, json({ ...GOOD, mail: 'x'.repeat(1024 * 1024) })),
    'unreadable',
  ],
  [
    'a body over the listener’s own limit',
    ({ order }) => read(order, json(GOOD), false, { maxBodyBytes: 10 }),
    'unreadable',
  ],
  [
    'more elements than are let in',
    ({ order }) => read(order, json({ ...GOOD, items: new Array(5001).fill(1) })),
    'unreadable',
  ],
  [
    'more elements than the listener takes',
    ({ order }) => read(order, json(GOOD), false, { maxElements: 3 }),
    'unreadable',
  ],
  ['a number that loses digits', ({ order }) => read(order, '{"id":12345678901234567890,"items":[]}'), 'unreadable'],
  [
    'a rule that throws',
    ({ sync }) => read(sync({ ...NONE, sync: fails }), json({ code: 'a' })),
    { invalid: [], total: 0 },
  ],
  [
    'a rule that refuses',
    ({ sync }) => read(sync({ ...NONE, sync: () => false }), json({ code: 'a' })),
    { invalid: ['code'], total: 1 },
  ],
];

const ASYNC_CASES: readonly Case[] = [
  [
    'an asynchronous rule that accepts',
    ({ async }) => read(async!({ ...NONE, async: async () => true }), json({ code: 'a' })),
    { payload: { code: 'a' } },
  ],
  [
    'an asynchronous rule that refuses',
    ({ async }) => read(async!({ ...NONE, async: async () => false }), json({ code: 'a' })),
    { invalid: ['code'], total: 1 },
  ],
  [
    'asynchronous rules in an array',
    ({ async }) =>
      read(async!({ ...NONE, async: async (code) => code === 'a' }), json([{ code: 'a' }, { code: 'b' }]), true),
    { invalid: ['[1].code'], total: 1 },
  ],
];

const NONE: Rules = { sync: () => true, async: async () => true };

function fails(): never {
  throw new TypeError('rule is broken');
}

function json(value: unknown): string {
  return JSON.stringify(value);
}

describe('payloads declared with class-validator, zod, valibot and arktype', () => {
  for (const [name, library] of Object.entries(LIBRARIES)) {
    describe(name, () => {
      for (const [what, run, expected] of CASES) {
        it(`reads ${what}`, async () => {
          expect(await outcomeOf(() => run(library))).to.deep.equal(expected);
        });
      }

      for (const [what, run, expected] of library.async === undefined ? [] : ASYNC_CASES) {
        it(`reads ${what}`, async () => {
          expect(await outcomeOf(() => run(library))).to.deep.equal(expected);
        });
      }

      it('passes on what an asynchronous rule rejects with, which is no fault of the message', async () => {
        if (library.async === undefined) return;
        const down = new Error('the look-up is down');
        const type = library.async({ ...NONE, async: () => Promise.reject(down) });
        expect(await outcomeOf(() => read(type, json({ code: 'a' })))).to.equal(down);
        expect(await outcomeOf(() => read(type, json([{ code: 'a' }, { code: 'b' }]), true))).to.equal(down);
      });

      it('lists 100 faults at most, and shows 10', async () => {
        const items = new Array(150).fill({ name: 1, price: 1 });
        const error = await Promise.resolve()
          .then(() => read(library.order, json({ id: 7, items })))
          .catch((thrown: unknown) => thrown as MessageValidationError);
        expect(error).to.be.instanceOf(MessageValidationError);
        const { violations, total, message } = error as MessageValidationError;
        expect(violations).to.have.length(100);
        expect(violations[99]).to.have.property('path', 'items[99].name');
        expect(total).to.be.within(100, 150);
        expect(message).to.match(/and \d+ more\.$/);
        expect(message).to.have.length.below(2000);
      });

      it('names path, rule and text, and no value of the payload', async () => {
        const body = json({ id: '4111111111111111', mail: 'nobody', items: GOOD.items });
        const error = (await Promise.resolve()
          .then(() => read(library.order, body))
          .catch((thrown: unknown) => thrown)) as MessageValidationError;
        expect(error.message).to.match(/^The payload breaks 2 rules of .+: /);
        for (const { path, rule, message } of error.violations) {
          expect(path).to.be.oneOf(['id', 'mail']);
          expect(rule).to.match(/^[a-zA-Z_.]+$/);
          expect(message).to.be.a('string').that.is.not.empty;
        }
        expect(JSON.stringify([error.message, error.violations])).to.not.match(/4111|nobody/);
      });
    });
  }
});
