import { way } from './functions.ts';
import { run } from './run.ts';

await run(way);
