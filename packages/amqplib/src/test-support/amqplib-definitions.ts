import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** amqplib's own encoder, which it does not export. */
interface Definitions {
  readonly BasicPublish: number;
  readonly BasicProperties: number;
  readonly BasicAck: number;
  readonly BasicReject: number;
  readonly BasicNack: number;
  encodeMethod(id: number, channel: number, fields: object): Buffer;
  encodeProperties(id: number, channel: number, size: number, properties: object): Buffer;
}

const require = createRequire(import.meta.url);

export const amqplibDefinitions = require(join(dirname(require.resolve('amqplib')), 'lib/defs.js')) as Definitions;
