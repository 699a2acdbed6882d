import 'reflect-metadata';
import { contentTypeConverter, MessageValidationError, type PayloadClass } from '@leveret/core';
import { expect } from 'chai';
import { Expose, Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsInt,
  IsOptional,
  Length,
  Matches,
  MaxLength,
  Validate,
  ValidateIf,
  ValidateNested,
  ValidatorConstraint,
} from 'class-validator';
import { beforeEach, describe, it } from 'mocha';
import { payloadReader } from './payload-reader.js';
import { targetOf } from './payload-target.js';
import type { PayloadValidation } from './payload-validation.js';

let made = 0;

class Item {
  @IsOptional() @IsInt() n?: number;
  @IsOptional() @ArrayMaxSize(3) tags?: string[];
  constructor() {
    made++;
  }
}

class Order {
  @ArrayMaxSize(2) @ValidateNested({ each: true }) @Type(() => Item) items!: Item[];
}

function read(type: PayloadClass, value: unknown, validation: PayloadValidation = {}, each = false): unknown {
  const reader = payloadReader(targetOf(type, each), { converter: contentTypeConverter(), validation, hints: {} });
  const body = Buffer.from(JSON.stringify(value));
  return reader({
    body,
    contentType: 'application/json',
    headers: {},
    exchange: '',
    routingKey: '',
    redelivered: false,
  });
}

function violations(...of: Parameters<typeof read>): readonly { path: string; rule: string; message: string }[] {
  try {
    read(...of);
  } catch (error) {
    expect(error).to.be.instanceOf(MessageValidationError);
    return (error as MessageValidationError).violations;
  }
  return [];
}

const items = (count: number) => Array.from({ length: count }, () => ({ n: 1 }));

describe('sizes of a payload', () => {
  beforeEach(() => {
    made = 0;
  });

  it('are checked before any child is made', () => {
    expect(violations(Order, { items: items(3) })).to.deep.equal([
      { path: 'items', rule: 'arrayMaxSize', message: 'items must contain no more than 2 elements' },
    ]);
    expect(made).to.equal(0);
    expect(read(Order, { items: items(2) })).to.be.instanceOf(Order);
    expect(made).to.equal(2);
  });

  it('are checked of classes within classes, and of every element of a list', () => {
    const tooMany = { items: [{ n: 1 }, { tags: ['a', 'b', 'c', 'd'] }] };
    expect(violations(Order, tooMany).map(({ path }) => path)).to.deep.equal(['items[1].tags']);
    expect(violations(Order, [{ items: [] }, tooMany], {}, true).map(({ path }) => path)).to.deep.equal([
      '[1].items[1].tags',
    ]);
    expect(made).to.equal(0);
  });

  it('are checked before rules that take long for long texts', () => {
    let asked = 0;
    @ValidatorConstraint()
    class Slow {
      validate(): boolean {
        asked++;
        return true;
      }
    }
    class Note {
      @MaxLength(10) @Validate(Slow) text!: string;
      @IsOptional() @Length(1, 5, { message: '$property of $target is above $constraint2' }) code?: string;
      @IsOptional() @MaxLength(2, { each: true }) @Matches(/^(a+)+$/, { each: true }) list?: string[];
    }
    expect(
      violations(Note, { text: 'x'.repeat(100_000), code: 'y'.repeat(1000), list: [`${'a'.repeat(40)}!`] }),
    ).to.eql([
      { path: 'text', rule: 'maxLength', message: 'text must be shorter than or equal to 10 characters' },
      { path: 'code', rule: 'isLength', message: 'code of Note is above 5' },
      {
        path: 'list',
        rule: 'maxLength',
        message: 'each value in list must be shorter than or equal to 2 characters',
      },
    ]);
    expect(asked).to.equal(0);
    // What is a little too long is class-validator's to say.
    class Short {
      @MaxLength(10) text!: string;
    }
    expect(violations(Short, { text: 'x'.repeat(11) }).map(({ rule }) => rule)).to.deep.equal(['maxLength']);
  });

  it('are known by the names that the body has for them', () => {
    class Named {
      @Expose({ name: 'lines' }) @ArrayMaxSize(1) @ValidateNested() @Type(() => Item) items!: Item[];
    }
    expect(violations(Named, { lines: items(2) }).map(({ path }) => path)).to.deep.equal(['items']);
    expect(made).to.equal(0);
  });

  it('are inherited, and bear classes that refer to themselves', () => {
    class Tree {
      @IsOptional() @ArrayMaxSize(2) @ValidateNested({ each: true }) @Type(() => Tree) children?: Tree[];
    }
    class Oak extends Tree {}
    expect(violations(Oak, { children: [{ children: [{}, {}, {}] }] }).map(({ path }) => path)).to.deep.equal([
      'children[0].children',
    ]);
    expect(read(Oak, { children: [{ children: [{}, {}] }] })).to.be.instanceOf(Oak);
  });

  it('are not checked where class-validator would not, or sees something else', () => {
    class Odd {
      @ValidateIf(() => false) @ArrayMaxSize(1) conditional?: unknown[];
      @Transform(({ value }) => (value as unknown[])?.slice(0, 1)) @ArrayMaxSize(1) cut?: unknown[];
      @ArrayMaxSize(1, { groups: ['strict'] }) grouped?: unknown[];
      @ArrayMaxSize(1, { validateIf: () => false }) never?: unknown[];
      @IsOptional() @ArrayMaxSize(1) optional?: unknown[];
    }
    const two = [1, 2];
    const body = { conditional: two, cut: two, grouped: two, never: two };
    const other = { groups: ['other'], forbidUnknownValues: false };
    expect(violations(Odd, body, other)).to.deep.equal([]);
    expect(violations(Odd, body, { groups: ['strict'] }).map(({ path }) => path)).to.deep.equal(['grouped']);
    expect(violations(Odd, { ...body, optional: null }, other)).to.deep.equal([]);
    expect(violations(Odd, { optional: two }).map(({ path }) => path)).to.include('optional');
  });
});
