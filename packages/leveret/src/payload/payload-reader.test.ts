import 'reflect-metadata';
import {
  contentTypeConverter,
  LeveretError,
  type Message,
  MessageConversionError,
  type MessageConverter,
  MessageValidationError,
  type PayloadClass,
  type ReadHints,
  RejectMessage,
  type Violation,
} from '@leveret/core';
import { expect } from 'chai';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMinSize,
  IsArray,
  IsInt,
  IsOptional,
  IsPositive,
  IsString,
  registerDecorator,
  Validate,
  ValidateIf,
  ValidateNested,
  ValidatorConstraint,
  type ValidatorConstraintInterface,
} from 'class-validator';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { payloadReader } from './payload-reader.js';
import { targetOf } from './payload-target.js';
import type { PayloadValidation } from './payload-validation.js';

class Item {
  @IsString() name!: string;
  @IsPositive() price!: number;
}

class Order {
  @IsInt() id!: number;
  @ValidateNested({ each: true })
  @Type(() => Item)
  @ArrayMinSize(1)
  @IsArray()
  items!: Item[];
}

class Small {
  @IsInt() id!: number;
  @IsOptional() @IsString() note?: string;

  double(): number {
    return this.id * 2;
  }
}

/** No rule of class-validator at all. */
class Plain {
  id!: number;
}

function messageOf(body: string | Buffer, contentType: string | undefined = 'application/json'): Message {
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  return { body: bytes, contentType, headers: {}, exchange: '', routingKey: 'q', redelivered: false };
}

function json(value: unknown): Message {
  return messageOf(JSON.stringify(value));
}

interface Reading {
  readonly each?: boolean;
  readonly validation?: PayloadValidation | false;
  readonly converter?: MessageConverter;
  readonly hints?: ReadHints;
}

function read(
  type: PayloadClass,
  message: Message,
  { each = false, validation = {}, converter, hints = {} }: Reading = {},
) {
  return payloadReader(targetOf(type, each), { converter: converter ?? contentTypeConverter(), validation, hints })(
    message,
  );
}

/** What reading throws. */
function thrownBy(run: () => unknown): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}

function violationsOf(run: () => unknown): readonly Violation[] {
  const error = thrownBy(run);
  expect(error).to.be.instanceOf(MessageValidationError);
  return (error as MessageValidationError).violations;
}

describe('payloadReader', () => {
  describe('making instances', () => {
    it('makes an instance of the class, methods and all', () => {
      const small = read(Small, json({ id: 4 })) as Small;
      expect(small).to.be.instanceOf(Small);
      expect(small.double()).to.equal(8);
    });

    it('makes nested instances', () => {
      const order = read(Order, json({ id: 1, items: [{ name: 'tea', price: 2 }] })) as Order;
      expect(order.items[0]).to.be.instanceOf(Item);
    });

    it('answers at once, not with a promise, when the rules of the class are class-validator’s own', () => {
      expect(read(Small, json({ id: 4 }))).to.not.be.instanceOf(Promise);
      expect(read(Plain, json({ id: 4 }))).to.not.be.instanceOf(Promise);
    });

    it('does not look at the body when the handler takes no payload', () => {
      const converter = {
        fromMessage: () => {
          throw new Error('looked');
        },
        toMessage: () => ({ body: Buffer.alloc(0) }),
      };
      expect(payloadReader(undefined, { converter, validation: {}, hints: {} })(messageOf('{'))).to.equal(undefined);
    });

    it('takes the instance that a user’s own converter has made', () => {
      const made = Object.assign(new Small(), { id: 5 });
      const converter = { fromMessage: () => made, toMessage: () => ({ body: Buffer.alloc(0) }) };
      expect(read(Small, messageOf('x'), { converter })).to.equal(made);
    });

    for (const [what, body] of [
      ['an array', '[{"id":1}]'],
      ['null', 'null'],
      ['a number', '5'],
      ['text', '"five"'],
    ] as const) {
      it(`refuses ${what} where an object is declared`, () => {
        const error = thrownBy(() => read(Small, messageOf(body)));
        expect(error).to.be.instanceOf(MessageConversionError);
        expect((error as Error).message).to.match(/^The payload is declared as Small: expected an object, got /);
      });
    }

    it('suggests the array when an array comes', () => {
      expect((thrownBy(() => read(Small, messageOf('[]'))) as Error).message).to.match(/declare @Payload\(\[Small\]\)/);
    });

    it('makes what a transformation throws a fault of the message', () => {
      class Picky {
        @Transform(() => {
          throw new TypeError('no');
        })
        id!: number;
      }
      const error = thrownBy(() => read(Picky, json({ id: 1 }))) as MessageConversionError;
      expect(error).to.be.instanceOf(MessageConversionError);
      expect(error.message).to.equal('The payload could not be made into Picky: no');
      expect(error.cause).to.be.instanceOf(TypeError);
    });
  });

  describe('reading scalars, bytes and plain values', () => {
    it('takes each as it is declared', () => {
      expect(read(Number, messageOf('4.5'))).to.equal(4.5);
      expect(read(Boolean, messageOf('false'))).to.equal(false);
      expect(read(String, messageOf('"a"'))).to.equal('a');
      expect(read(String, messageOf('a', 'text/plain'))).to.equal('a');
      expect(read(Buffer, messageOf('{'))).to.deep.equal(Buffer.from('{'));
      expect(read(Object, messageOf('[{"a":1}]'))).to.deep.equal([{ a: 1 }]);
    });

    for (const [type, body] of [
      [Number, '"4"'],
      [Number, 'true'],
      [Boolean, '0'],
      [Boolean, '"true"'],
      [String, '4'],
      [Number, 'null'],
    ] as const) {
      it(`refuses ${body} for ${type.name}: a body is JSON and says its types`, () => {
        expect(thrownBy(() => read(type, messageOf(body)))).to.be.instanceOf(MessageConversionError);
      });
    }
  });

  describe('reading arrays', () => {
    it('makes an instance of each element', () => {
      const smalls = read(Small, json([{ id: 1 }, { id: 2 }]), { each: true }) as Small[];
      expect(smalls.map((small) => small.double())).to.deep.equal([2, 4]);
      expect(read(Number, json([1, 2]), { each: true })).to.deep.equal([1, 2]);
      expect(read(Object, json([1, 'a']), { each: true })).to.deep.equal([1, 'a']);
      expect(read(Plain, json([]), { each: true })).to.deep.equal([]);
    });

    it('names the element that is of another kind', () => {
      const texts = [
        thrownBy(() => read(Small, json([{ id: 1 }, 7]), { each: true })),
        thrownBy(() => read(Number, json([1, 'x']), { each: true })),
        thrownBy(() => read(Small, json({ id: 1 }), { each: true })),
      ].map((error) => (error as Error).message);
      expect(texts[0]).to.match(/^The payload at \[1\] is declared as Small: expected an object, got a number/);
      expect(texts[1]).to.match(/^The payload at \[1\] is declared as a number; got a string/);
      expect(texts[2]).to.equal('The payload is declared as [Small]: expected an array, got an object.');
    });

    it('collects the violations of all elements, each with its index', () => {
      const found = violationsOf(() =>
        read(
          Order,
          json([
            { id: 'a', items: [{ name: 'x', price: 1 }] },
            { id: 1, items: [{ name: 'x', price: -1 }] },
          ]),
          { each: true },
        ),
      );
      expect(found.map(({ path, rule }) => [path, rule])).to.deep.equal([
        ['[0].id', 'isInt'],
        ['[1].items[0].price', 'isPositive'],
      ]);
    });
  });

  describe('validating', () => {
    it('collects every violation, nested ones with their path', () => {
      const run = () =>
        read(
          Order,
          json({
            id: 'x',
            items: [
              { name: 'tea', price: 1 },
              { name: 7, price: -1 },
            ],
          }),
        );
      expect(violationsOf(run)).to.deep.equal([
        { path: 'id', rule: 'isInt', message: 'id must be an integer number' },
        { path: 'items[1].name', rule: 'isString', message: 'name must be a string' },
        { path: 'items[1].price', rule: 'isPositive', message: 'price must be a positive number' },
      ]);
      const error = thrownBy(run) as MessageValidationError;
      expect(error.code).to.equal('LEV_MESSAGE_INVALID');
      expect(error.message).to.equal(
        'The payload breaks 3 rules of Order: id must be an integer number; items[1].name: name must be a string; items[1].price: price must be a positive number.',
      );
    });

    it('spells out ten violations and counts the rest', () => {
      const items = Array.from({ length: 14 }, () => ({ name: 'x', price: -1 }));
      const error = thrownBy(() => read(Order, json({ id: 1, items }))) as MessageValidationError;
      expect(error.violations).to.have.length(14);
      expect(error.message).to.match(/and 4 more\.$/);
    });

    it('reports a nested value that is no object', () => {
      const [first] = violationsOf(() => read(Order, json({ id: 1, items: ['tea'] })));
      expect(first).to.include({ path: 'items[0]' });
    });

    it('skips classes without rules, and everything with validation: false', () => {
      expect(read(Plain, json({ id: 'x', more: 1 }), { validation: { whitelist: true } })).to.include({ more: 1 });
      expect(read(Small, json({ id: 'x' }), { validation: false })).to.include({ id: 'x' });
    });

    it('strips or refuses what has no rule, when asked to', () => {
      expect(read(Small, json({ id: 1, more: 2 }))).to.include({ more: 2 });
      expect(read(Small, json({ id: 1, more: 2 }), { validation: { whitelist: true } })).to.not.have.property('more');
      const strict = { validation: { whitelist: true, forbidNonWhitelisted: true } };
      expect(violationsOf(() => read(Small, json({ id: 1, more: 2 }), strict))).to.deep.equal([
        { path: 'more', rule: 'whitelistValidation', message: 'property more should not exist' },
      ]);
    });

    it('obeys groups', () => {
      class Grouped {
        @IsInt({ groups: ['strict'] }) id!: number;
      }
      expect(
        violationsOf(() => read(Grouped, json({ id: 'x' }), { validation: { groups: ['strict'] } })),
      ).to.have.length(1);
      expect(
        read(Grouped, json({ id: 'x' }), { validation: { groups: ['other'], forbidUnknownValues: false } }),
      ).to.include({ id: 'x' });
    });

    it('validates rules that are inherited', () => {
      class Sub extends Small {}
      expect(violationsOf(() => read(Sub, json({ id: 'x' })))).to.have.length(1);
    });

    it('makes a rule that throws a fault of the message', () => {
      class Fragile {
        @ValidateIf((value: Fragile) => value.items.length > 0)
        @IsInt()
        id!: number;
        items!: unknown[];
      }
      const error = thrownBy(() => read(Fragile, json({ id: 1 }))) as MessageValidationError;
      expect(error).to.be.instanceOf(MessageValidationError);
      expect(error.message).to.match(/^A rule of Fragile threw while the payload was validated: /);
      expect(error.cause).to.be.instanceOf(TypeError);
    });
  });

  describe('waiting for asynchronous rules', () => {
    const known = new Set(['a']);
    let lookUp: (value: unknown) => Promise<boolean> = async (value) => known.has(value as string);

    @ValidatorConstraint({ name: 'isKnown', async: true })
    class IsKnown implements ValidatorConstraintInterface {
      validate(value: unknown): Promise<boolean> {
        return lookUp(value);
      }
    }

    class Coupon {
      @Validate(IsKnown) code!: string;
    }

    class Basket {
      @ValidateNested() @Type(() => Coupon) coupon!: Coupon;
    }

    it('resolves to the payload, or rejects with the violations', async () => {
      expect(await read(Coupon, json({ code: 'a' }))).to.be.instanceOf(Coupon);
      const error = await Promise.resolve(read(Coupon, json({ code: 'b' }))).catch((reason: unknown) => reason);
      expect((error as MessageValidationError).violations.map(({ path }) => path)).to.deep.equal(['code']);
    });

    it('waits for those of nested classes too', async () => {
      const error = await Promise.resolve(read(Basket, json({ coupon: { code: 'b' } }))).catch(
        (reason: unknown) => reason,
      );
      expect((error as MessageValidationError).violations.map(({ path }) => path)).to.deep.equal(['coupon.code']);
    });

    it('waits in arrays', async () => {
      const error = await Promise.resolve(read(Coupon, json([{ code: 'a' }, { code: 'b' }]), { each: true })).catch(
        (reason: unknown) => reason,
      );
      expect((error as MessageValidationError).violations.map(({ path }) => path)).to.deep.equal(['[1].code']);
    });

    it('waits for a rule that answers with a promise without having said so', async () => {
      function IsOdd(): PropertyDecorator {
        return (target, propertyName) =>
          registerDecorator({
            name: 'isOdd',
            target: target.constructor,
            propertyName: propertyName as string,
            options: {},
            validator: { validate: (value: unknown) => Promise.resolve((value as number) % 2 === 1) as never },
          });
      }
      class Odd {
        @IsOdd() id!: number;
      }
      const error = await Promise.resolve(read(Odd, json({ id: 2 }))).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(MessageValidationError);
    });

    it('passes on what a look-up rejects with: the message is not at fault', async () => {
      const down = new Error('database down');
      lookUp = () => Promise.reject(down);
      const error = await Promise.resolve(read(Coupon, json({ code: 'a' }))).catch((reason: unknown) => reason);
      expect(error).to.equal(down);
    });
  });

  describe('meeting bodies that mean harm', () => {
    for (const body of [
      '{"id":1,"__proto__":{"polluted":true}}',
      '{"id":1,"\\u005f_proto__":{"polluted":true}}',
      '{"id":1,"constructor":{"prototype":{"polluted":true}}}',
      '{"id":1,"note":{"__proto__":{"polluted":true}}}',
      '{"id":1,"constructor":"x"}',
      '{"id":1,"hasOwnProperty":"x","toString":1,"double":2}',
      `{"id":1,"note":${'['.repeat(400)}${']'.repeat(400)}}`,
    ]) {
      it(`leaves prototypes alone: ${body.slice(0, 60)}`, () => {
        for (const validation of [{}, { whitelist: true }, false] as const) {
          try {
            const small = read(Small, messageOf(body), { validation }) as Small;
            expect(Object.getPrototypeOf(small)).to.equal(Small.prototype);
            expect(small.constructor).to.equal(Small);
            expect(small.double()).to.equal(2);
          } catch (error) {
            expect(LeveretError.is(error), String(error)).to.equal(true);
          }
        }
        expect({}).to.not.have.property('polluted');
        expect(Small.prototype).to.not.have.property('polluted');
      });
    }

    for (const name of ['{"toString":1}', '[{"toString":1}]', '7', `"${'n'.repeat(10_000)}"`]) {
      it(`is not fooled by a body that says what class it is of: ${name.slice(0, 20)}`, () => {
        const body = `{"constructor":{"name":${name}}}`;
        for (const target of [targetOf(String), targetOf(Number), targetOf(Small, true)]) {
          const reader = payloadReader(target, { converter: contentTypeConverter(), validation: {}, hints: {} });
          expect(() => reader(messageOf(body)))
            .to.throw(MessageConversionError)
            .with.property('message')
            .that.has.length.below(300);
        }
      });
    }

    it('answers any JSON with an instance or a fault of the message, and nothing else', () => {
      fc.assert(
        fc.property(fc.json(), (body) => {
          try {
            const small = read(Small, messageOf(body)) as Small;
            expect(small).to.be.instanceOf(Small);
            expect(Number.isInteger(small.id)).to.equal(true);
          } catch (error) {
            expect(error).to.satisfy(
              (thrown: unknown) => thrown instanceof MessageConversionError || thrown instanceof MessageValidationError,
            );
          }
        }),
      );
    });

    it('answers any bytes with an instance or a fault of the message', () => {
      fc.assert(
        fc.property(
          fc.uint8Array({ maxLength: 64 }),
          fc.constantFrom('application/json', undefined, 'text/plain', 'image/png'),
          (bytes, contentType) => {
            const message = messageOf(Buffer.from(bytes), contentType);
            for (const [type, each] of [
              [Order, false],
              [Order, true],
              [Number, false],
            ] as const) {
              try {
                read(type, message, { each });
              } catch (error) {
                expect(LeveretError.is(error), String(error)).to.equal(true);
              }
            }
          },
        ),
      );
    });

    it('reads back whatever valid payload was written', () => {
      fc.assert(
        fc.property(fc.record({ id: fc.integer(), note: fc.string() }), (value) => {
          const converter = contentTypeConverter();
          const { body, contentType } = converter.toMessage(Object.assign(new Small(), value), {});
          const back = read(Small, messageOf(body, contentType)) as Small;
          expect({ ...back }).to.deep.equal(value);
        }),
      );
    });
  });

  describe('what goes wrong while reading', () => {
    class Node {
      @ValidateNested({ each: true })
      @Type(() => Node)
      children!: Node[];

      @IsInt()
      id!: number;
    }
    const many = (count: number) => json({ id: 1, children: Array.from({ length: count }, () => ({})) });
    const hints = { maxElements: 1_000_000 };

    it('tells the first hundred of very many violations, and how many there are', () => {
      const error = thrownBy(() => read(Node, many(150_000), { hints })) as MessageValidationError;
      expect(error).to.be.instanceOf(MessageValidationError);
      expect(error.violations).to.have.lengthOf(100);
      expect(error.violations[0]?.path).to.equal('children[0].id');
      expect(error.total).to.be.within(100, 110);
      expect(error.message).to.match(/^The payload breaks 10\d rules or more of Node: .*; and 9\d more\.$/);
    }).timeout(20_000);

    it('tells the first hundred of an array of them', () => {
      const body = json(Array.from({ length: 2000 }, () => ({})));
      const error = thrownBy(() => read(Small, body, { each: true })) as MessageValidationError;
      expect(error.violations).to.have.lengthOf(100);
      expect(error.violations.at(-1)?.path).to.equal('[99].id');
      expect(error.message).to.contain('and 90 more');
    });

    it('tells the first hundred also of properties that no rule knows', () => {
      const body = json(Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`k${index}`, 1])));
      const validation = { whitelist: true, forbidNonWhitelisted: true };
      const error = thrownBy(() => read(Small, body, { validation })) as MessageValidationError;
      expect(error.violations).to.have.lengthOf(100);
    });

    it('tells all of up to a hundred, wherever they stand', () => {
      const error = thrownBy(() => read(Node, many(60))) as MessageValidationError;
      expect(error.violations.map(({ path }) => path))
        .to.include('children[59].id')
        .and.have.lengthOf(60);
    });

    class WithTransform {
      @Transform(() => {
        throw new RangeError('Maximum call stack size exceeded');
      })
      id!: number;
    }
    class WithType {
      @Type(() => {
        throw new TypeError('no type');
      })
      id!: number;
    }
    class WithSetter {
      set id(_value: number) {
        throw new RangeError('no such id');
      }
    }
    for (const [what, type] of [
      ['a transform', WithTransform],
      ['a type', WithType],
      ['a setter', WithSetter],
    ] as const) {
      it(`is the message’s fault when ${what} throws`, () => {
        expect(() => read(type, json({ id: { a: 1 } }))).to.throw(MessageConversionError);
      });
    }

    it('is the message’s fault when a converter throws whatever it throws', () => {
      for (const thrown of [new RangeError('x'), 'text', undefined, new RejectMessage('no')]) {
        const converter = {
          fromMessage: () => {
            throw thrown;
          },
          toMessage: () => ({ body: Buffer.alloc(0) }),
        };
        for (const type of [Small, String, Object]) {
          const error = thrownBy(() => read(type, json({}), { converter }));
          expect(error).to.be.instanceOf(MessageConversionError).with.property('cause', thrown);
        }
      }
    });

    it('shows nothing of the body, and no name of a property at length or unescaped', () => {
      const name = `\u001b[2J\n${'n'.repeat(100_000)}`;
      const validation = { whitelist: true, forbidNonWhitelisted: true };
      const error = thrownBy(() => read(Small, json({ id: 1, [name]: 1 }), { validation })) as MessageValidationError;
      expect(JSON.stringify([error.message, error.violations])).to.have.length.below(5000);
      const texts = [error.message, error.violations[0]?.path, error.violations[0]?.message].join('');
      expect(texts).to.match(/^[^\p{C}]+$/u);
      for (const [type, body] of [
        [Number, '"4111 1111"'],
        [Small, '"4111 1111"'],
        [String, '4111'],
        [Small, '{"id":"4111 1111"'],
      ] as const) {
        const { message, stack } = thrownBy(() => read(type, messageOf(body))) as Error;
        expect(`${message}${stack?.split('\n')[0]}`).not.to.contain('4111');
      }
    });
  });

  describe('limits of a listener', () => {
    it('come before those of the converter', () => {
      expect(() => read(Small, json({ id: 1 }), { hints: { maxBodyBytes: 5 } })).to.throw('at most 5 are accepted');
      const converter = contentTypeConverter({ maxBodyBytes: 5 });
      expect(read(Small, json({ id: 1 }), { converter, hints: { maxBodyBytes: 100 } })).to.include({ id: 1 });
      expect(() => read(Small, json({ id: 1, a: [1, 2] }), { hints: { maxElements: 2 } })).to.throw('more than 2');
      const long = messageOf('{"id":9007199254740993}');
      expect(read(Plain, long, { hints: { longNumbers: 'text' } })).to.include({ id: '9007199254740993' });
    });

    it('hold for a converter that knows nothing of them', () => {
      const converter = { fromMessage: () => ({}), toMessage: () => ({ body: Buffer.alloc(0) }) };
      const hints = { maxBodyBytes: 5 };
      expect(() => read(Plain, messageOf('123456'), { converter, hints })).to.throw(
        MessageConversionError,
        'maxBodyBytes',
      );
    });

    it('are 1 MiB for a class, and 16 MiB for what is taken as it is', () => {
      const body = messageOf(JSON.stringify({ id: 1, text: 'x'.repeat(1024 * 1024) }));
      expect(() => read(Plain, body)).to.throw(MessageConversionError, 'at most 1048576 are accepted');
      expect(() => read(Plain, messageOf(`[${body.body}]`), { each: true })).to.throw('at most 1048576');
      expect(read(Object, body)).to.include({ id: 1 });
      expect(read(Plain, body, { hints: { maxBodyBytes: 2 ** 24 } })).to.include({ id: 1 });
    });
  });
});
