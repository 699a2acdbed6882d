import { type Situation, situations } from './situations.ts';
import type { Way } from './way.ts';
import { World } from './world.ts';

/**
 * Runs all situations of one way of declaring, prints a line for each, and ends the process with how it went. The last line is for
 * the script that started it.
 */
export async function run(way: Way): Promise<void> {
  const world = await World.start();
  const failed: string[] = [];
  let passed = 0;
  for (const situation of situations) {
    if (situation.needs?.(way) === false) continue;
    try {
      await within(situation, way, world);
      passed++;
    } catch (error) {
      failed.push(situation.title);
      console.log(`not ok - ${situation.title}`);
      console.log(String((error as Error).stack ?? error).replace(/^/gm, '    '));
    }
  }
  await world.close();
  // A look at the function itself would load it.
  const metadata = Object.getOwnPropertyDescriptor(Reflect, 'getMetadata')?.value !== undefined;
  console.log(JSON.stringify({ way: way.name, passed, failed, metadata }));
  process.exit(failed.length > 0 ? 1 : 0);
}

const LIMIT_MS = 15_000;

async function within(situation: Situation, way: Way, world: World): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  try {
    await Promise.race([situation.run(way, world), late]);
  } finally {
    clearTimeout(timer);
    await world.closeApps();
  }
}
