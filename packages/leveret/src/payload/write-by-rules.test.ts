import 'reflect-metadata';
import { contentTypeConverter, MessageConversionError } from '@leveret/core';
import { expect } from 'chai';
import { Exclude, Expose, Transform, Type } from 'class-transformer';
import { IsInt, IsString, ValidateNested } from 'class-validator';
import { describe, it } from 'mocha';
import { payloadReader } from './payload-reader.js';
import { targetOf } from './payload-target.js';
import './write-by-rules.js';

class Card {
  @Exclude() number = '4111111111111111';
  @Expose({ name: 'card_holder' }) @IsString() holder = 'Ada';
}

class Money {
  readonly cents: number;
  constructor(cents: number) {
    this.cents = cents;
  }
  toJSON(): string {
    return (this.cents / 100).toFixed(2);
  }
}

class Payment {
  @IsInt() id = 7;
  @Expose({ name: 'paid_at' })
  @Transform(({ value }) => `T${value}`, { toPlainOnly: true })
  @Transform(({ value }) => String(value).slice(1), { toClassOnly: true })
  paidAt = '2026';
  @ValidateNested() @Type(() => Card) card = new Card();
  @ValidateNested({ each: true }) @Type(() => Card) others = [new Card()];
}

class Plain {
  id = 1;
  at = new Date(0);
  bytes = Buffer.from('hi');
  total = new Money(1250);
  note: string | undefined = undefined;
  get computed(): number {
    return 5;
  }
}

const converter = contentTypeConverter();
const bodyOf = (payload: unknown) => converter.toMessage(payload, {}).body.toString();
const written = (payload: unknown): unknown => JSON.parse(bodyOf(payload));

describe('writing instances', () => {
  it('obeys @Expose, @Exclude and @Transform, nested and in arrays', () => {
    expect(written(new Payment())).to.deep.equal({
      id: 7,
      paid_at: 'T2026',
      card: { card_holder: 'Ada' },
      others: [{ card_holder: 'Ada' }],
    });
  });

  it('writes what reading makes the same instance of', () => {
    const reader = payloadReader(targetOf(Payment), { converter, validation: {}, hints: {} });
    const { body, contentType } = converter.toMessage(new Payment(), {});
    const read = reader({ body, contentType, headers: {}, exchange: '', routingKey: 'q', redelivered: false });
    expect(read).to.be.instanceOf(Payment).and.to.deep.equal(new Payment());
  });

  const ways: Readonly<Record<string, unknown>> = {
    'in an array': [new Card()],
    'in a plain object': { a: { b: [new Card()] } },
    'in an instance without rules': Object.assign(new Plain(), { extra: new Card() }),
    'in what toJSON answers': { toJSON: () => ({ card: new Card() }) },
    'of a class that inherits the rules': new (class extends Card {})(),
    'of a class with a toJSON': new (class extends Card {
      toJSON() {
        return { ...this };
      }
    })(),
  };
  for (const [where, payload] of Object.entries(ways)) {
    it(`keeps what is excluded from the wire ${where}`, () => {
      const body = bodyOf(payload);
      expect(body).not.to.contain('4111');
      expect(body).to.contain('"card_holder":"Ada"');
    });
  }

  it('obeys the rules of a declared type where the value is a plain object', () => {
    class Order {
      @Type(() => Card) card: unknown = { number: '4111', holder: 'Bob' };
    }
    expect(written(new Order())).to.deep.equal({ card: { card_holder: 'Bob' } });
  });

  it('obeys @Exclude() of a whole class, and exposed getters', () => {
    @Exclude()
    class Secretive {
      secret = 1;
      @Expose() open = 2;
      @Expose()
      get sum(): number {
        return this.secret + this.open;
      }
    }
    expect(written(new Secretive())).to.deep.equal({ open: 2, sum: 3 });
  });

  it('leaves out what is exposed to groups only, and what is excluded from writing only', () => {
    class Grouped {
      @Expose({ groups: ['admin'] }) risk = 1;
      @Exclude({ toPlainOnly: true }) internal = 2;
      @Exclude({ toClassOnly: true }) shown = 3;
    }
    expect(written(new Grouped())).to.deep.equal({ shown: 3 });
  });

  it('writes the discriminator of a type, so that it can be read', () => {
    class Photo {
      width = 1;
    }
    class Album {
      @Type(() => Object, { discriminator: { property: 'kind', subTypes: [{ value: Photo, name: 'photo' }] } })
      top = new Photo();
    }
    expect(written(new Album())).to.deep.equal({ top: { width: 1, kind: 'photo' } });
  });

  it('writes a declared Map as an object, and a Set as an array', () => {
    class Stock {
      @Type(() => Card) byShelf = new Map([['a', new Card()]]);
      @Type(() => Card) all = new Set([new Card()]);
    }
    expect(written(new Stock())).to.deep.equal({
      byShelf: { a: { card_holder: 'Ada' } },
      all: [{ card_holder: 'Ada' }],
    });
  });

  it('keeps dates, bytes and what has a toJSON as JSON writes them, also beside rules', () => {
    class Bill {
      @Expose({ name: 'amount' }) total = new Money(1999);
      at = new Date(0);
      nested = { total: new Money(5), card: new Card() };
    }
    expect(written(new Bill())).to.deep.equal({
      amount: '19.99',
      at: '1970-01-01T00:00:00.000Z',
      nested: { total: '0.05', card: { card_holder: 'Ada' } },
    });
  });

  it('writes instances without rules, and plain objects, as they are', () => {
    expect(bodyOf(new Plain())).to.equal(JSON.stringify(new Plain()));
    const odd = { constructor: 'x', ['__proto__']: 1, a: [undefined, null, new Map([[1, 2]])], f: () => 1 };
    expect(bodyOf(odd)).to.equal(JSON.stringify(odd));
    const own = JSON.parse('{"__proto__":{"a":1},"b":{}}') as Record<string, unknown>;
    own['b'] = new Card();
    expect(bodyOf(own)).to.equal('{"__proto__":{"a":1},"b":{"card_holder":"Ada"}}');
  });

  it('changes nothing of what it writes', () => {
    const payload = { cards: [new Card()], plain: new Plain() };
    bodyOf(payload);
    expect(payload).to.deep.equal({ cards: [new Card()], plain: new Plain() });
  });

  it('finds rules behind classes that refer to each other', () => {
    class Left {
      @Type(() => Right) right: unknown;
      @Type(() => Card) card: unknown;
    }
    class Right {
      @Type(() => Left) left: unknown;
    }
    const left = Object.assign(new Left(), { right: { left: { card: { number: '4111', holder: 'C' } } } });
    expect(bodyOf(new Right())).to.equal('{}');
    expect(written(left)).to.deep.equal({ right: { left: { card: { card_holder: 'C' } } } });
  });

  it('refuses what cannot be written, and never leaks the error of a rule as something else', () => {
    class Broken {
      @Transform(() => {
        throw new RangeError('no');
      })
      id = 1;
    }
    class Big {
      @Transform(({ value }) => BigInt(value as number)) id = 1;
    }
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    for (const payload of [new Broken(), new Big(), circle]) {
      expect(() => bodyOf(payload)).to.throw(MessageConversionError, 'cannot be written as JSON');
    }
  });
});
