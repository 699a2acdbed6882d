import { way } from './legacy.ts';
import { run } from './run.ts';

await run(way);
