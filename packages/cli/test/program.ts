import { Leveret, listener } from 'leveret';

/** An application whose plan is asked for. */
const queue = process.env['LEVERET_CLI_TEST_QUEUE'] ?? 'cli-test';

await Leveret.start({
  connection: { urls: process.env['AMQP_URL'] ?? 'amqp://localhost' },
  listeners: [listener({ id: 'L', queue: { name: queue }, payload: Object }, async () => {})],
  logger: 'silent',
});
