import { setTimeout as delay } from 'node:timers/promises';
import type { FaultKind } from './fault-kind.js';

/** Above the shutdown timeout of the consumers; the checker has the limit that counts. */
const END_LIMIT_MS = 30_000;

export const processFaults: readonly FaultKind[] = [
  {
    name: 'consumer-kill',
    code: 'F8',
    share: 12,
    async inject(world, random, over) {
      const slot = random.between(0, world.consumers.length - 1);
      const victim = world.consumers[slot];
      victim?.signal('SIGKILL');
      await victim?.exited;
      over();
      await world.spawn('consumer', slot);
    },
  },
  {
    name: 'rolling-restart',
    code: 'F9',
    share: 1.6,
    async inject(world, random) {
      for (const slot of random.shuffled([...world.consumers.keys()])) {
        const { name } = world.consumers[slot]?.options ?? { name: '' };
        const exit = await world.consumers[slot]?.stop(END_LIMIT_MS);
        if (exit === undefined)
          world.ledger.write('not-ended', `${name} did not end within ${END_LIMIT_MS} ms of SIGTERM`);
        await world.spawn('consumer', slot);
      }
    },
  },
  {
    name: 'publisher-kill',
    code: 'F10',
    share: 2,
    async inject(world, random, over) {
      const slot = random.between(0, world.publishers.length - 1);
      const victim = world.publishers[slot];
      victim?.signal('SIGKILL');
      await victim?.exited;
      over();
      await world.spawn('publisher', slot);
    },
  },
  {
    name: 'relay-kill',
    code: 'F10',
    share: 3,
    fits: ({ options }) => options.row.outbox,
    async inject(world, random, over) {
      const slot = random.between(0, world.relays.length - 1);
      const victim = world.relays[slot];
      victim?.signal('SIGKILL');
      await victim?.exited;
      over();
      await world.spawn('relay', slot);
    },
  },
  {
    name: 'sessions-killed',
    code: 'D1',
    share: 1,
    async inject(world) {
      await world.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'",
      );
    },
  },
  {
    name: 'database-restart',
    code: 'D2',
    share: 0.5,
    async inject(world) {
      await world.postgres.down();
      await delay(500);
      await world.postgres.up();
    },
  },
  {
    name: 'redis-restart',
    code: 'D3',
    share: 1,
    fits: ({ redis }) => redis !== undefined,
    async inject(world) {
      await world.redis?.down();
      await delay(500);
      await world.redis?.up();
    },
  },
];
