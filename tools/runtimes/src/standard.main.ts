import { run } from './run.ts';
import { way } from './standard.ts';

await run(way);
