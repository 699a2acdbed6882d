import assert from 'node:assert/strict';
import { NestFactory } from '@nestjs/core';
import { adapter } from './adapter.js';
import { AppModule, alias, journal } from './matrix-app.js';

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within 10 s: ${what}; seen: ${journal.join(', ')}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, adapter() as never, { logger: ['error', 'warn'] });
  app.enableShutdownHooks();
  app.useGlobalGuards({
    canActivate: (context) => {
      journal.push(`global ${context.getType()}`);
      return true;
    },
  });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const place = (body: object) =>
    fetch(`${url}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  assert.deepEqual(await (await place({ id: 7 })).json(), { placed: 7 });
  await until('both have handled it', () => journal.filter((line) => line.includes(' 7')).length === 2);
  assert.deepEqual([...journal].sort(), ['global http', 'guard leveret', 'order 7 true', 'unit 7 units']);
  const health = (await (await fetch(`${url}/health`)).json()) as { status: string };
  assert.equal(health.status, 'ok', JSON.stringify(health));
  // Rejected by the pipe, and not tried again.
  await place({ id: 'x' });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(journal.filter((line) => line.startsWith('order')).length, 1);
  assert.equal(typeof alias, 'function');
  await app.close();
  console.log('ok');
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
