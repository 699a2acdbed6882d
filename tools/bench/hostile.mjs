/**
 * What one hostile message may cost: searches for bodies that the default limits let in and that keep the event loop busy the
 * longest while they are read, for classes such as applications have. Random shapes first, then changes of the worst.
 *
 *   node tools/bench/hostile.mjs [--shapes 120] [--rounds 4] [--seed 1] [--most 250]
 *
 * Shows the worst in milliseconds of CPU, which is what the event loop stands still for on a machine that is free: `read` is the
 * fastest of three readings in a process that is warm, `first` the first one of that shape, and `cold` the very first reading of
 * a fresh process, for the worst shape of each class. Fails when a reading takes more than `--most`, warm or cold.
 */
import { readArguments } from '../scripts/arguments.mjs';
import 'reflect-metadata';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { contentTypeConverter } from '@leveret/core';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import * as rules from 'class-validator';
import { payloadReader } from '../../packages/leveret/dist/payload/payload-reader.js';
import { targetOf } from '../../packages/leveret/dist/payload/payload-target.js';

const { values: options } = readArguments(import.meta.url, {
  shapes: { type: 'number', default: 120 },
  rounds: { type: 'number', default: 4 },
  seed: { type: 'number', default: 1 },
  most: { type: 'number', default: 250 },
  // For this program itself: one reading of this shape, and no search.
  cold: { type: 'string' },
});

const BYTES = 1024 * 1024;
const PLAIN_BYTES = 4 * BYTES;
const ELEMENTS = 5000;
const PLAIN_ELEMENTS = 50_000;

let state = options.seed || 1;
/** From 0 to 1; the same for the same seed. */
function random() {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return state / 2 ** 32;
}
const pick = (list) => list[Math.floor(random() * list.length)];
const upTo = (most) => Math.max(1, Math.floor(most ** random()));

/** A class whose properties have these decorators. */
function classOf(properties, Base = Object) {
  const made = Base === Object ? class {} : class extends Base {};
  for (const [name, decorators] of Object.entries(properties)) {
    for (const decorate of decorators) decorate(made.prototype, name);
  }
  return made;
}

const WIDE = {
  a: [rules.IsString()],
  b: [rules.IsString(), rules.MaxLength(20)],
  c: [rules.IsInt(), rules.Min(0)],
  d: [rules.IsNumber()],
  e: [rules.IsEmail()],
  f: [rules.IsUrl()],
  g: [rules.IsISO8601()],
  h: [rules.IsUUID()],
  i: [rules.IsArray()],
  j: [rules.IsBoolean()],
  k: [rules.IsIn(['x', 'y'])],
  l: [rules.Matches(/^[a-z]+$/)],
};
const optional = (of) =>
  Object.fromEntries(Object.entries(of).map(([name, all]) => [name, [rules.IsOptional(), ...all]]));
const list = (type) => [rules.ValidateNested({ each: true }), Type(() => type), rules.IsArray()];
const texts = [
  rules.IsEmail(),
  rules.IsUrl(),
  rules.IsISO8601(),
  rules.IsUUID(),
  rules.IsJSON(),
  rules.IsFQDN(),
  rules.IsIP(),
  rules.IsBase64(),
  rules.IsHexColor(),
  rules.IsPhoneNumber?.() ?? rules.IsString(),
  rules.IsNumberString(),
  rules.IsLatLong(),
  rules.IsMimeType(),
  rules.IsDateString(),
  rules.IsCreditCard(),
  rules.IsIBAN(),
  rules.IsSemVer(),
  rules.IsJWT(),
];

const Item = classOf({ a: [rules.IsString()], b: [rules.IsPositive()], c: [rules.IsInt()] });
const Wide = classOf(WIDE);
const Loose = classOf(optional(WIDE));
const Node = class {};
for (const decorate of list(Node)) decorate(Node.prototype, 'list');
rules.IsOptional()(Node.prototype, 'list');
rules.IsOptional()(Node.prototype, 'a');
rules.IsInt()(Node.prototype, 'a');
const renamed = Object.fromEntries(
  Array.from({ length: 20 }, (_, i) => [`p${i}`, [Expose({ name: `q${i}` }), rules.IsOptional()]]),
);
const Renamed = classOf(renamed);
const Hidden = classOf({
  a: [Exclude()],
  b: [Transform(({ value }) => value)],
  c: [Type(() => Date), rules.IsOptional()],
});

/** What a message may be for, and what an object of its list is called. */
const victims = {
  'a list of items': { type: classOf({ list: list(Item) }) },
  'a list of wide items': { type: classOf({ list: list(Wide) }) },
  'a list of items whose rules are optional': { type: classOf({ list: list(Loose) }) },
  'a tree': { type: Node },
  'a list of renamed items': { type: classOf({ list: list(Renamed) }) },
  'renamed properties': { type: Renamed },
  'a list with transforms': { type: classOf({ list: list(Hidden) }) },
  'an array of wide items': { type: Wide, each: true },
  'known properties only': { type: Wide, validation: { whitelist: true, forbidNonWhitelisted: true } },
  'a list of known properties only': {
    type: classOf({ list: list(Loose) }),
    validation: { whitelist: true, forbidNonWhitelisted: true },
  },
  'texts in all forms': { type: classOf(Object.fromEntries(texts.map((rule, i) => [`t${i}`, [rule]]))) },
  'lists of texts': { type: classOf({ list: [rules.IsEmail({}, { each: true }), rules.ArrayUnique()] }) },
  'a unique list': { type: classOf({ list: [rules.ArrayUnique()] }) },
  'a map': { type: classOf({ list: [Type(() => Item), rules.IsObject()] }) },
  'a size rule': { type: classOf({ list: [rules.ArrayMaxSize(50), ...list(Wide)] }) },
  anything: { type: Object, bytes: PLAIN_BYTES, elements: PLAIN_ELEMENTS },
  'a text': { type: String, bytes: PLAIN_BYTES, elements: PLAIN_ELEMENTS },
};

const VALID = {
  a: '"a"',
  b: '"b"',
  c: '1',
  d: '1.5',
  e: '"a@b.de"',
  f: '"http://b.de"',
  g: '"2026-11-27"',
  h: '"9b2b0b52-55c5-4f2b-8a6e-3a3b6c4f9d10"',
  i: '[]',
  j: 'true',
  k: '"x"',
  l: '"l"',
};
const units = [
  'a',
  '1',
  '-',
  '.',
  '@',
  'a.',
  'a@',
  '[',
  ':',
  '/',
  '%41',
  '\\u0061',
  '\\"',
  'é',
  '😀',
  ' ',
  '0a',
  '\\n',
  ',',
  '+',
];
const scalars = [
  '1',
  'null',
  '""',
  '{}',
  '[]',
  'true',
  '1.5',
  '0.30000000000000004',
  '123456789012345.5',
  '[[]]',
  '{"a":{}}',
  '"x"',
  '-0',
  '1e99',
];

function text(unit, bytes) {
  const size = Math.max(1, Math.floor(bytes / Buffer.byteLength(unit)));
  return `"${unit.repeat(size)}"`;
}

/** An object with the first of the known properties, some of them wrong, and some unknown. */
function itemText({ valid, wrong, unknown }) {
  const names = Object.keys(VALID).slice(0, valid);
  const known = names.map((name, i) => `"${name}":${i < wrong ? '{}' : VALID[name]}`);
  const others = Array.from({ length: unknown }, (_, i) => `"u${i}":1`);
  return `{${[...known, ...others].join(',')}}`;
}

const builders = {
  objects(shape, limits) {
    const item = itemText(shape);
    const elements = 1 + item.split(',').length + (item.match(/[[{]/g)?.length ?? 0);
    const count = Math.floor(Math.min(limits.elements / elements, limits.bytes / (item.length + 1)) * shape.part);
    return `[${Array(Math.max(1, count)).fill(item).join(',')}]`;
  },
  scalars(shape, limits) {
    const value = shape.scalar;
    const elements = 1 + (value.match(/[[{,]/g)?.length ?? 0);
    const count = Math.floor(Math.min(limits.elements / elements, limits.bytes / (value.length + 1)) * shape.part);
    return `[${Array(Math.max(1, count)).fill(value).join(',')}]`;
  },
  texts(shape, limits) {
    const count = Math.max(1, Math.min(limits.elements, shape.count));
    const bytes = Math.floor(limits.bytes / count) - 12;
    const unit = Buffer.byteLength(shape.unit);
    const filler = shape.unit.repeat(Math.max(0, Math.floor(bytes / unit)));
    return `[${Array.from({ length: count }, (_, i) => `"${filler}${shape.distinct ? i : ''}"`).join(',')}]`;
  },
  names(shape, limits) {
    const count = Math.floor(limits.elements * shape.part) - 1;
    const bytes = Math.max(1, Math.min(shape.nameBytes, Math.floor(limits.bytes / count) - 16));
    const name = shape.unit.repeat(Math.max(1, Math.floor(bytes / Buffer.byteLength(shape.unit))));
    return `{${Array.from({ length: count }, (_, i) => `"${name}${i}":${shape.flat}`).join(',')}}`;
  },
  deep(shape, limits) {
    const depth = 500;
    const each = Math.max(1, Math.floor((limits.elements / depth / 3) * shape.part));
    const siblings = '{},'.repeat(each);
    return `${`{"list":[${siblings}`.repeat(depth / 2)}{}${']}'.repeat(depth / 2)}`;
  },
};

function aShape() {
  return {
    victim: pick(Object.keys(victims)),
    build: pick(Object.keys(builders)),
    valid: Math.floor(random() * 13),
    wrong: random() < 0.5 ? 0 : Math.floor(random() * 4),
    unknown: random() < 0.7 ? 0 : upTo(40),
    scalar: pick(scalars),
    flat: pick(['1', '""', 'null', 'true']),
    unit: pick(units),
    count: upTo(ELEMENTS),
    distinct: random() < 0.7,
    nameBytes: upTo(200),
    part: random() < 0.7 ? 1 : random(),
    top: random() < 0.3,
  };
}

function changed(shape) {
  const other = aShape();
  const next = { ...shape };
  for (const name of Object.keys(shape)) if (name !== 'victim' && random() < 0.25) next[name] = other[name];
  return next;
}

function bodyOf(shape) {
  const { bytes = BYTES, elements = ELEMENTS, each = false, type } = victims[shape.victim];
  const limits = { bytes: bytes - 600, elements: elements - 40 };
  if (shape.victim === 'texts in all forms') {
    const one = text(shape.unit, limits.bytes / texts.length - 12);
    return `{${texts.map((_, i) => `"t${i}":${one}`).join(',')}}`;
  }
  const value = builders[shape.build](shape, limits);
  if (each) return value.startsWith('[') ? value : `[${value}]`;
  if (shape.top || type === Object || shape.build === 'deep') return value;
  return `{"list":${value}}`;
}

const converter = contentTypeConverter();
const readers = new Map();

function readerOf(victim) {
  const { type, each = false, validation = {} } = victims[victim];
  const reader = readers.get(victim) ?? payloadReader(targetOf(type, each), { converter, validation, hints: {} });
  readers.set(victim, reader);
  return reader;
}

/** Milliseconds that a reading takes, and whether it was refused for its size, which is no message that the limits let in. */
function measure(shape, times = 3) {
  const body = Buffer.from(bodyOf(shape));
  const reader = readerOf(shape.victim);
  const message = {
    body,
    contentType: 'application/json',
    headers: {},
    exchange: '',
    routingKey: '',
    redelivered: false,
  };
  const took = [];
  let outcome = 'read';
  for (let i = 0; i < times; i++) {
    const began = process.cpuUsage();
    try {
      reader(message);
    } catch (error) {
      outcome = error.message.slice(0, 70);
    }
    const { user, system } = process.cpuUsage(began);
    took.push((user + system) / 1000);
  }
  return { shape, bytes: body.length, first: took[0], read: Math.min(...took), outcome };
}

function search() {
  const count = options.shapes;
  let found = Array.from({ length: count }, aShape).map((shape) => measure(shape));
  for (let round = 0; round < options.rounds; round++) {
    const worst = found.sort((a, b) => b.read - a.read).slice(0, 12);
    found = [
      ...found,
      ...worst.map(({ shape }) => measure(changed(shape))),
      ...worst.map(({ shape }) => measure(changed(shape))),
    ];
  }
  return found.sort((a, b) => b.read - a.read);
}

/** The first reading of a process that has only started. */
function cold(shape) {
  const args = [fileURLToPath(import.meta.url), '--cold', JSON.stringify(shape)];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (stdout === '') throw new Error(`expected a cold reading of ${JSON.stringify(shape)}; received ${stderr}`);
  return JSON.parse(stdout);
}

/** The worst shape of each class. */
function worstOfEach(found) {
  return [...new Map([...found].reverse().map((one) => [one.shape.victim, one])).values()];
}

function show(one, times) {
  const what = `${one.shape.victim} / ${one.shape.build}: ${one.outcome}`;
  console.log(`${times} ${String(one.bytes).padStart(9)} bytes  ${what}`);
}

const millis = (time, name) => `${time.toFixed(0).padStart(5)} ${name}`;

function judge() {
  const found = search();
  console.log(`${found.length} shapes; the worst, in ms:`);
  for (const one of found.slice(0, 12)) show(one, `${millis(one.read, 'read')} ${millis(one.first, 'first')}`);
  console.log('the first reading of a process:');
  const colds = worstOfEach(found).map(({ shape }) => cold(shape));
  for (const one of colds.sort((a, b) => b.first - a.first)) show(one, millis(one.first, 'cold'));
  const most = options.most;
  const tooLong = [
    ...found.filter(({ read }) => read > most).map(({ shape, read }) => ({ shape, took: read })),
    ...colds.filter(({ first }) => first > most).map(({ shape, first }) => ({ shape, took: first })),
  ];
  for (const { shape, took } of tooLong) {
    console.error(`expected no message to take more than ${most} ms; ${took.toFixed(0)} ms: ${JSON.stringify(shape)}`);
    process.exitCode = 1;
  }
}

if (options.cold === undefined) judge();
else console.log(JSON.stringify(measure(JSON.parse(options.cold), 1)));
