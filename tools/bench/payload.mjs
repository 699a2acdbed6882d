/**
 * Reading a payload into a validated instance, leveret beside plainToInstance and validate by hand, which is what the docs of
 * class-validator show; beside the same rules as schemas of zod, valibot and arktype; and beside JSON.parse alone. In one process, in turn, so that a busy machine hits all alike.
 *
 *   node tools/bench/payload.mjs [--rounds 15] [--messages 4000]
 *
 * Shows CPU per message as medians and as ratios of a round, with their range.
 */
import { readArguments } from '../scripts/arguments.mjs';
import 'reflect-metadata';
import { contentTypeConverter } from '@leveret/core';
import { type as ark } from 'arktype';
import { plainToInstance, Type } from 'class-transformer';
import {
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsISO8601,
  IsNumber,
  IsString,
  Length,
  Max,
  MaxLength,
  Min,
  ValidateNested,
  validate,
} from 'class-validator';
import * as v from 'valibot';
import { z } from 'zod';
import { payloadReader } from '../../packages/leveret/dist/payload/payload-reader.js';
import { targetOf } from '../../packages/leveret/dist/payload/payload-target.js';
import { median, ratio, showRatio } from './lib/pairs.mjs';

const { values: options } = readArguments(import.meta.url, {
  rounds: { type: 'number', default: 15 },
  messages: { type: 'number', default: 4000 },
});

/** A class whose properties have these decorators. */
function classOf(properties) {
  const made = class {};
  for (const [name, decorators] of Object.entries(properties)) {
    for (const decorate of decorators) decorate(made.prototype, name);
  }
  return made;
}

const Payment = classOf({
  orderId: [IsInt(), Min(1)],
  paidAt: [IsISO8601()],
  currency: [IsString(), Length(3, 3)],
  amount: [IsInt(), Min(0), Max(1e9)],
  note: [IsString(), MaxLength(200)],
  isTest: [IsBoolean()],
});
const Line = classOf({
  sku: [IsString(), MaxLength(20)],
  count: [IsInt(), Min(1)],
  price: [IsNumber()],
  unit: [IsIn(['kg', 'piece'])],
});
const Order = classOf({ id: [IsInt()], lines: [IsArray(), ValidateNested({ each: true }), Type(() => Line)] });

const PAYMENT_SCHEMAS = {
  zod: z.object({
    orderId: z.int().min(1),
    paidAt: z.iso.datetime(),
    currency: z.string().length(3),
    amount: z.int().min(0).max(1e9),
    note: z.string().max(200),
    isTest: z.boolean(),
  }),
  valibot: v.object({
    orderId: v.pipe(v.number(), v.integer(), v.minValue(1)),
    paidAt: v.pipe(v.string(), v.isoTimestamp()),
    currency: v.pipe(v.string(), v.length(3)),
    amount: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1e9)),
    note: v.pipe(v.string(), v.maxLength(200)),
    isTest: v.boolean(),
  }),
  arktype: ark({
    orderId: 'number.integer >= 1',
    paidAt: 'string.date.iso',
    currency: 'string == 3',
    amount: '0 <= number.integer <= 1000000000',
    note: 'string <= 200',
    isTest: 'boolean',
  }),
};
const ORDER_SCHEMAS = {
  zod: z.object({
    id: z.int(),
    lines: z.array(
      z.object({
        sku: z.string().max(20),
        count: z.int().min(1),
        price: z.number(),
        unit: z.enum(['kg', 'piece']),
      }),
    ),
  }),
  valibot: v.object({
    id: v.pipe(v.number(), v.integer()),
    lines: v.array(
      v.object({
        sku: v.pipe(v.string(), v.maxLength(20)),
        count: v.pipe(v.number(), v.integer(), v.minValue(1)),
        price: v.number(),
        unit: v.picklist(['kg', 'piece']),
      }),
    ),
  }),
  arktype: ark({
    id: 'number.integer',
    lines: ark({
      sku: 'string <= 20',
      count: 'number.integer >= 1',
      price: 'number',
      unit: "'kg' | 'piece'",
    }).array(),
  }),
};

const payment = {
  orderId: 4711,
  paidAt: '2026-11-23T10:00:00.000Z',
  currency: 'EUR',
  amount: 1999,
  note: 'n'.repeat(60),
  isTest: false,
};
const order = {
  id: 1,
  lines: Array.from({ length: 20 }, (_, index) => ({ sku: `sku-${index}`, count: index + 1, price: 9.5, unit: 'kg' })),
};
const CASES = [
  { name: 'a class of 6 properties', type: Payment, schemas: PAYMENT_SCHEMAS, value: payment, times: 1 },
  { name: 'a nested array of 20 classes', type: Order, schemas: ORDER_SCHEMAS, value: order, times: 0.1 },
  {
    name: 'a class of 6 properties, each wrong',
    type: Payment,
    schemas: PAYMENT_SCHEMAS,
    value: { orderId: 'x', paidAt: 1, currency: 'EURO', amount: -1, note: 1, isTest: 0 },
    times: 0.2,
  },
];

const converter = contentTypeConverter();

function waysOf({ type, schemas, value }) {
  const body = Buffer.from(JSON.stringify(value));
  const message = {
    body,
    contentType: 'application/json',
    headers: {},
    exchange: '',
    routingKey: '',
    redelivered: false,
  };
  const read = payloadReader(targetOf(type), { converter, validation: {}, hints: {} });
  const bySchema = Object.entries(schemas).map(([name, schema]) => {
    const readSchema = payloadReader(targetOf(schema), { converter, validation: {}, hints: {} });
    return [`leveret, ${name}`, () => quietly(() => readSchema(message))];
  });
  const plain = payloadReader(targetOf(Object), { converter, validation: {}, hints: {} });
  return {
    leveret: () => quietly(() => read(message)),
    ...Object.fromEntries(bySchema),
    'leveret, plain': () => plain(message),
    'by hand': async () => validate(plainToInstance(type, JSON.parse(body.toString()))),
    'JSON.parse': () => JSON.parse(body.toString()),
  };
}

function quietly(run) {
  try {
    return run();
  } catch {
    return undefined;
  }
}

async function microsPer(messages, run) {
  const began = process.cpuUsage();
  for (let i = 0; i < messages; i++) await run();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / messages;
}

for (const one of CASES) {
  const ways = Object.entries(waysOf(one));
  const messages = Math.ceil(options.messages * one.times);
  const took = Object.fromEntries(ways.map(([name]) => [name, []]));
  for (const [, run] of ways) await microsPer(messages, run);
  for (let round = 0; round < options.rounds; round++) {
    for (const [name, run] of ways) took[name].push(await microsPer(messages, run));
  }
  console.log(one.name);
  for (const [name] of ways) {
    const beside = ratio(took[name], took['by hand'], (micros) => micros);
    console.log(
      `  ${name.padEnd(16)} ${median(took[name]).toFixed(2).padStart(8)} us   ${showRatio(beside)} x by hand`,
    );
  }
}
