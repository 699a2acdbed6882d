import { before, describe } from 'mocha';
import { needs } from '../../../../tools/scripts/needs.mjs';
import type { HarnessOptions } from '../index.js';

/** Which broker the same tests run on. */
export interface UsedBroker {
  readonly broker: NonNullable<HarnessOptions['broker']>;
  readonly isReal: boolean;
}

/** Runs the same tests on the embedded broker, and on a RabbitMQ where there is one. */
export function onEachBroker(title: string, suite: (used: UsedBroker) => void): void {
  describe(`${title}, on the embedded broker`, () => suite({ broker: 'embedded', isReal: false }));
  describe(`${title}, on RabbitMQ`, () => {
    before(needs('rabbitmq'));
    const url = process.env['AMQP_URL'] ?? 'amqp://guest:guest@127.0.0.1:5672';
    suite({ broker: url as `amqp://${string}`, isReal: true });
  });
}
