import { plainToInstance } from 'class-transformer';
import { useContainer, validate } from 'class-validator';
import { instanceCheck } from '../payload/compiled/check-instance.js';
import { makeInstance } from '../payload/compiled/make-instance.js';
import { libraryCheck } from '../payload/library-check.js';
import { violationsOf } from '../payload/violations.js';
import { type Choice, RandomClasses } from './random-classes.js';

/** What was tried, so that nobody takes a generator that makes nothing of interest for a proof. */
export interface Tally {
  cases: number;
  made: number;
  valid: number;
  invalid: number;
  violations: number;
  thrown: number;
  cut: number;
}

export const newTally = (): Tally => ({ cases: 0, made: 0, valid: 0, invalid: 0, violations: 0, thrown: 0, cut: 0 });

const BODIES = 8;

/** class-validator's own container looks through all that it has ever made. Answers how to go back to it. */
export function usingQuickContainer(): () => void {
  const instances = new WeakMap<object, unknown>();
  const get = (type: new () => object): unknown => {
    if (!instances.has(type)) instances.set(type, new type());
    return instances.get(type);
  };
  useContainer({ get } as Parameters<typeof useContainer>[0]);
  return () => useContainer(undefined as never);
}

/**
 * Makes a class and options by chance, reads bodies by chance with them, once by class-transformer and class-validator and once
 * by compiled rules, and throws when anything differs.
 */
export async function compareReadings(choice: Choice, tally: Tally): Promise<void> {
  const classes = new RandomClasses(choice);
  try {
    const made = classes.class();
    const options = classes.options();
    const check = instanceCheck(options);
    for (let count = 0; count < BODIES; count++) {
      const body = classes.body(made, choice.below(6) === 0);
      const [theirBody, ourBody] = [body(), body()] as [object, object];
      const theirs = outcome(() => plainToInstance(made.type, theirBody));
      const ours = outcome(() => makeInstance(made.type, ourBody));
      requireSame(theirs, ours, 'instance');
      requireSame(theirBody, ourBody, 'body');
      tally.cases++;
      if (theirs.threw || Array.isArray(theirs.value)) {
        tally.thrown++;
        continue;
      }
      tally.made++;
      await compareChecks(theirs.value as object, ours.value as object, { options, check, tally });
    }
  } finally {
    classes.forget();
  }
}

interface Means {
  readonly options: Parameters<typeof instanceCheck>[0];
  readonly check: ReturnType<typeof instanceCheck>;
  readonly tally: Tally;
}

async function compareChecks(theirs: object, ours: object, { options, check, tally }: Means): Promise<void> {
  const said = await settled(async () => violationsOf(await validate(theirs, options as never)));
  let isCut = false;
  const found = await settled(async () => {
    const checked = await check(ours);
    isCut = checked.isCut;
    return violationsOf(checked.errors);
  });
  if (isCut) {
    // class-validator itself goes on: what was found up to there is compared with its walk, ended at the same place.
    tally.cut++;
    const cut = await settled(async () => violationsOf((await libraryCheck(options)(ours)).errors));
    requireSame(cut, found, 'cut violations');
    return;
  }
  requireSame(said, found, 'violations');
  requireSame(theirs, ours, 'instance after validation');
  if (options.whitelist) return tell(said, tally);
  // Where the library is another one, its own walk is ended early: which it is not here. What is stripped is stripped by now.
  const walked = await settled(async () => violationsOf((await libraryCheck(options)(ours)).errors));
  requireSame(said, walked, 'violations of the walk');
  tell(said, tally);
}

function tell(said: Outcome, tally: Tally): void {
  const total = said.threw ? 0 : (said.value as { total: number }).total;
  if (said.threw) tally.thrown++;
  else if (total === 0) tally.valid++;
  else tally.invalid++;
  tally.violations += total;
}

interface Outcome {
  readonly threw: boolean;
  readonly value: unknown;
}

function outcome(run: () => unknown): Outcome {
  try {
    return { threw: false, value: run() };
  } catch (error) {
    return { threw: true, value: error };
  }
}

async function settled(run: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { threw: false, value: await run() };
  } catch (error) {
    return { threw: true, value: error };
  }
}

/** Throws unless both are alike in prototypes, order of properties, and all that is in them. */
function requireSame(theirs: unknown, ours: unknown, path: string): void {
  const fail = () => {
    throw new Error(`${path} differs: expected ${show(theirs)}, got ${show(ours)}`);
  };
  if (typeof theirs !== 'object' || theirs === null || typeof ours !== 'object' || ours === null) {
    if (typeof theirs === 'function' && typeof ours === 'function' && String(theirs) === String(ours)) return;
    if (!Object.is(theirs, ours)) fail();
    return;
  }
  if (Object.getPrototypeOf(theirs) !== Object.getPrototypeOf(ours)) fail();
  if (theirs instanceof Error && ours instanceof Error) {
    if (theirs.message !== ours.message) fail();
    return;
  }
  // Whoever looks at asynchronous work in the process, such as a tracer, writes symbols on promises.
  if (theirs instanceof Promise) return;
  if (theirs instanceof Date && !Object.is(theirs.getTime(), (ours as Date).getTime())) fail();
  if (theirs instanceof Map || theirs instanceof Set) {
    requireSame([...theirs], [...(ours as Set<unknown>)], `${path}()`);
  }
  const names = Reflect.ownKeys(theirs);
  if (names.map(String).join() !== Reflect.ownKeys(ours).map(String).join()) fail();
  for (const name of names) {
    requireSame((theirs as never)[name], (ours as never)[name], `${path}.${String(name)}`);
  }
}

function show(value: unknown): string {
  if (typeof value !== 'object' || value === null || value instanceof Error) return String(value);
  const names = Reflect.ownKeys(value).map(String);
  return `${(value as { constructor?: { name?: unknown } }).constructor?.name} {${names.join(', ')}}`;
}
