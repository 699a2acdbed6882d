import { setTimeout as delay } from 'node:timers/promises';
import type { World } from '../run/world.js';
import type { FaultKind } from './fault-kind.js';

/** Above the shutdown timeout of the consumers; the checker has the limit that counts. */
const END_LIMIT_MS = 30_000;

async function restart(world: World, slot: number): Promise<void> {
  const consumer = world.consumers[slot];
  if (consumer === undefined) return;
  const exit = await consumer.stop(END_LIMIT_MS);
  const { name } = consumer.options;
  if (exit === undefined) world.ledger.write('not-ended', `${name} did not end within ${END_LIMIT_MS} ms of SIGTERM`);
  world.spawnBeside('consumer', slot);
}

async function someReady(world: World): Promise<void> {
  while (world.consumers.filter(({ isReady, isAlive }) => isReady && isAlive).length < 2) await delay(50);
}

/** Ends one of those that publish, and has another take its place. */
function killOne(role: 'publisher' | 'relay'): FaultKind['inject'] {
  return async (world, random, over) => {
    const children = role === 'publisher' ? world.publishers : world.relays;
    const slot = random.between(0, children.length - 1);
    const victim = children[slot];
    victim?.signal('SIGKILL');
    await victim?.exited;
    over();
    world.spawnBeside(role, slot);
  };
}

export const processFaults: readonly FaultKind[] = [
  {
    name: 'consumer-kill',
    code: 'F8',
    share: 14,
    // One or two of those that are up: a process that is not has nothing to lose.
    async inject(world, random, over) {
      await someReady(world);
      const ready = world.consumers.filter(({ isReady, isAlive }) => isReady && isAlive);
      const victims = random.shuffled(ready).slice(0, ready.length > 3 ? random.between(1, 2) : 1);
      for (const victim of victims) {
        world.ledger.write('killed', victim.options.name);
        victim.signal('SIGKILL');
      }
      await Promise.all(victims.map(({ exited }) => exited));
      over();
      for (const { options } of victims) world.spawnBeside('consumer', options.slot);
    },
  },
  {
    name: 'rolling-restart',
    code: 'F9',
    share: 2.5,
    // As a deployment does that may take half of them away at a time.
    async inject(world, random) {
      await world.everybodyReady();
      const slots = random.shuffled([...world.consumers.keys()]);
      const half = Math.ceil(slots.length / 2);
      for (const together of [slots.slice(0, half), slots.slice(half)]) {
        await Promise.all(together.map((slot) => restart(world, slot)));
        await world.everybodyReady();
      }
    },
  },
  {
    name: 'publisher-kill',
    code: 'F10',
    share: 2,
    inject: killOne('publisher'),
  },
  {
    name: 'relay-kill',
    code: 'F10',
    share: 3,
    fits: ({ options }) => options.row.outbox,
    inject: killOne('relay'),
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
