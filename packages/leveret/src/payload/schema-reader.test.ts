import { contentTypeConverter, MessageValidationError, type SchemaIssue, type StandardSchema } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { z } from 'zod';
import { payloadReader } from './payload-reader.js';
import { targetOf } from './payload-target.js';

type Validate = StandardSchema['~standard']['validate'];

function schema(validate: Validate): StandardSchema {
  return { '~standard': { version: 1, vendor: 'test', validate } };
}

function refusing(...issues: SchemaIssue[]): StandardSchema {
  return schema(() => ({ issues }));
}

function read(type: StandardSchema, value: unknown = {}, each = false): unknown {
  const converter = contentTypeConverter();
  const body = Buffer.from(JSON.stringify(value));
  const properties = { contentType: 'application/json', headers: {}, exchange: '', routingKey: '', redelivered: false };
  return payloadReader(targetOf(type, each), { converter, validation: {}, hints: {} })({ body, ...properties });
}

function failureOf(run: () => unknown): MessageValidationError {
  try {
    run();
  } catch (error) {
    expect(error).to.be.instanceOf(MessageValidationError);
    return error as MessageValidationError;
  }
  throw new Error('nothing was thrown');
}

async function rejectionOf(reading: unknown): Promise<unknown> {
  return Promise.resolve(reading).catch((error: unknown) => error);
}

describe('schemaReader', () => {
  it('gives the handler what the schema made of the value', () => {
    expect(
      read(
        schema((value) => ({ value: [value] })),
        { id: 1 },
      ),
    ).to.deep.equal([{ id: 1 }]);
    expect(read(schema(() => ({ value: undefined })))).to.equal(undefined);
  });

  it('takes a schema that is a function, and one that is a class', () => {
    const asFunction = Object.assign(
      () => {},
      schema(() => ({ value: 'made' })),
    );
    class AsClass {
      readonly own = 1;
      static readonly '~standard' = schema(() => ({ value: 'made' }))['~standard'];
    }
    expect([read(asFunction), read(AsClass as StandardSchema)]).to.deep.equal(['made', 'made']);
  });

  it('calls the schema as a method', () => {
    const standard = {
      version: 1 as const,
      vendor: 'test',
      mark: 7,
      validate(this: { mark: number }) {
        return { value: this.mark };
      },
    };
    expect(read({ '~standard': standard as unknown as StandardSchema['~standard'] })).to.equal(7);
  });

  it('writes paths of keys and of segments as class-validator’s are written', () => {
    const { violations } = failureOf(() =>
      read(refusing({ message: 'no', path: ['items', 2, { key: 'price' }] }, { message: 'no', path: [Symbol('s')] })),
    );
    expect(violations.map(({ path }) => path)).to.deep.equal(['items[2].price', 'Symbol(s)']);
  });

  it('calls a rule by the name that the library gives it', () => {
    const issues = [
      { message: 'a', code: 'too_small' },
      { message: 'b', type: 'min_length' },
      { message: 'c', code: 7 },
    ];
    const { violations } = failureOf(() => read(refusing(...(issues as SchemaIssue[]))));
    expect(violations.map(({ rule }) => rule)).to.deep.equal(['too_small', 'min_length', 'schema']);
  });

  it('refuses a value without saying why when the schema does so', () => {
    const error = failureOf(() => read(refusing()));
    expect(error).to.include({ total: 1, code: 'LEV_MESSAGE_INVALID' });
    expect(error.message).to.equal('The payload breaks 1 rule of the test schema: the value is refused.');
  });

  it('lists 100 of many issues, and counts them all', () => {
    const issues = Array.from({ length: 4000 }, (_, index) => ({ message: 'no', path: [index] }));
    const error = failureOf(() => read(refusing(...issues)));
    expect(error.violations).to.have.length(100);
    expect(error.message).to.match(/^The payload breaks 4000 rules of the test schema: .*; and 3990 more\.$/);
  });

  it('cuts paths that a sender made long', () => {
    const path = new Array(500).fill('n'.repeat(1000));
    const error = failureOf(() => read(refusing({ message: 'no', path })));
    expect(error.violations[0]?.path).to.have.length.below(1100);
    expect(error.message).to.have.length.below(500);
  });

  for (const [what, answer] of [
    ['nothing', undefined],
    ['text', 'valid'],
    ['null', null],
  ]) {
    it(`refuses the message when the schema answers ${what}`, () => {
      const error = failureOf(() => read(schema(() => answer as never)));
      expect(error.message).to.equal('The test schema answered neither a value nor issues.');
    });
  }

  it('makes what a schema throws at once a fault of the message, and keeps the cause', () => {
    const cause = new TypeError('broken');
    const error = failureOf(() =>
      read(
        schema(() => {
          throw cause;
        }),
      ),
    );
    expect(error).to.include({ cause, code: 'LEV_MESSAGE_INVALID' });
  });

  it('waits for any thenable', async () => {
    // biome-ignore lint/suspicious/noThenProperty: it is what is tested
    const thenable = { then: (resolve: (result: unknown) => void) => resolve({ value: 7 }) };
    expect(await read(schema(() => thenable as never))).to.equal(7);
  });

  it('waits for every element, and swallows rejections that nobody waits for', async () => {
    let asked = 0;
    const unhandled: unknown[] = [];
    const listen = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', listen);
    const fragile = schema(() => {
      if (++asked === 2) throw new Error('at once');
      return Promise.reject(new Error('late'));
    });
    expect(failureOf(() => read(fragile, [1, 2], true)).message).to.match(/at once/);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', listen);
    expect(unhandled).to.deep.equal([]);
  });

  describe('with zod, which starts over asynchronously when something throws', () => {
    it('makes what was thrown without waiting a fault of the message', async () => {
      const broken = z.string().transform(() => {
        throw new TypeError('broken');
      });
      expect(await rejectionOf(read(broken, 'a'))).to.be.instanceOf(MessageValidationError);
    });

    it('passes on what a rule rejects with that waited', async () => {
      const down = new Error('down');
      const asking = z.string().refine(async () => {
        await Promise.resolve();
        throw down;
      });
      expect(await rejectionOf(read(asking, 'a'))).to.equal(down);
    });
  });
});
