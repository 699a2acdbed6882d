import 'reflect-metadata';
import { contentTypeConverter, type Message, MessageConversionError, MessageValidationError } from '@leveret/core';
import { expect } from 'chai';
import { Expose } from 'class-transformer';
import { IsInt, Validate, ValidatorConstraint, type ValidatorConstraintInterface } from 'class-validator';
import { describe, it } from 'mocha';
import { z } from 'zod';
import { PublisherConverter } from './publisher-converter.js';

@ValidatorConstraint({ async: true })
class Even implements ValidatorConstraintInterface {
  async validate(value: unknown): Promise<boolean> {
    return (value as number) % 2 === 0;
  }
}

class Price {
  @Expose({ name: 'total_price' }) @IsInt() total!: number;
}

class EvenPrice {
  @Validate(Even) total!: number;
}

function reply(text: string, contentType = 'application/json'): Message {
  return { body: Buffer.from(text), contentType, headers: {}, exchange: '', routingKey: 'r', redelivered: false };
}

describe('PublisherConverter', () => {
  const converter = new PublisherConverter();

  it('reads a reply into a valid instance of the class that was asked for', () => {
    const price = converter.readReply(reply('{"total_price":21}'), Price);
    expect(price).to.be.instanceOf(Price).and.to.include({ total: 21 });
    expect(converter.readReply(reply('{"total_price":22}'), Price)).to.include({ total: 22 });
  });

  it('throws for a reply that breaks rules, or is of another kind, or cannot be read', () => {
    expect(() => converter.readReply(reply('{"total_price":"x"}'), Price)).to.throw(MessageValidationError);
    for (const [text, type] of [
      ['21', Price],
      ['[]', Price],
      ['{', Price],
      ['21', String],
      ['"21"', Number],
      ['{"total_price":9007199254740993}', Price],
    ] as const) {
      expect(() => converter.readReply(reply(text), type), text).to.throw(MessageConversionError);
    }
    expect(() => converter.fromMessage(reply('{'), undefined)).to.throw(MessageConversionError);
  });

  it('reads a reply as a schema, and as an array of what was asked for', () => {
    const schema = z.object({ total: z.number().transform(String) });
    expect(converter.readReply(reply('{"total":1}'), schema)).to.deep.equal({ total: '1' });
    expect(converter.readReply(reply('[{"total":1}]'), [schema])).to.deep.equal([{ total: '1' }]);
    const prices = converter.readReply(reply('[{"total_price":1}]'), [Price]) as Price[];
    expect(prices[0]).to.be.instanceOf(Price);
    expect(converter.readReply(reply('{"total_price":1}'), Price)).to.be.instanceOf(Price);
    expect(() => converter.readReply(reply('{"total":"x"}'), schema)).to.throw(MessageValidationError, 'total: ');
    expect(() => converter.readReply(reply('{"total":1}'), [schema])).to.throw(MessageConversionError, 'an array');
  });

  it('waits for rules that are asynchronous', async () => {
    expect(await converter.readReply(reply('{"total":2}'), EvenPrice)).to.be.instanceOf(EvenPrice);
    const odd = await (converter.readReply(reply('{"total":3}'), EvenPrice) as Promise<unknown>).catch((e) => e);
    expect(odd).to.be.instanceOf(MessageValidationError);
  });

  it('answers what the converter reads where no class is asked for', () => {
    expect(converter.fromMessage(reply('{"a":1}'), undefined)).to.deep.equal({ a: 1 });
    expect(converter.fromMessage(reply('x', 'text/plain'), undefined)).to.equal('x');
    expect(converter.readReply(reply('{"a":1}'), Object)).to.deep.equal({ a: 1 });
  });

  it('goes by the converter and the policies of the application, once they are known', () => {
    const late = new PublisherConverter();
    late.readReply(reply('{"total_price":1}'), Price);
    const upper = { ...contentTypeConverter(), toMessage: () => ({ body: Buffer.from('UP') }) };
    late.use({ converter: upper, validation: false, hints: { longNumbers: 'text' } });
    expect(late.readReply(reply('{"total_price":"x"}'), Price)).to.include({ total: 'x' });
    expect(late.fromMessage(reply('[9007199254740993]'), undefined)).to.deep.equal(['9007199254740993']);
    expect(late.toMessage({}, {}).body.toString()).to.equal('UP');
  });
});
