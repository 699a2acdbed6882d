import { checkDuration, checkOptions, type Duration, describeValue, type Problems } from '@leveret/core';
import type { ScheduleDeclaration } from '../decorators/class-record.js';
import { reflectedTypes } from '../decorators/reflect-on-demand.js';
import type { RunOnOneInstanceOptions, ScheduleOptions, ScheduleTimes } from '../decorators/scheduled.js';
import { type FunctionRecord, functionRecordOf } from '../functions/declared-function.js';
import { cronTiming, everyTiming, type Timing } from '../schedule/timing.js';
import type { AnyClass } from './class-kind.js';
import { checkName, doubtOfName, passingNameFault, sourceNameOf } from './class-name.js';
import { contradictedSignal } from './contradicted-type.js';
import { type ClassHome, homeOf, type ListenerHome } from './listener-home.js';
import { type MergedClass, type MergedMethod, mergedRecord } from './merged-record.js';

/** A schedule as its class declares it: read and checked, nothing made yet. */
export interface SchedulePlan {
  readonly id: string;
  /** How faults name it, such as `schedule Orders.reconcile`. */
  readonly place: string;
  readonly home: ListenerHome;
  readonly key: string | symbol;
  readonly timing: Timing;
  readonly jitterMs: number;
  readonly immediate: boolean;
  readonly timeoutMs: number | undefined;
  /** `store` is `undefined` when the application's is to be used. */
  readonly alone: { readonly store: unknown; readonly leaseMs: number } | undefined;
}

const OPTION_NAMES = Object.keys({
  id: true,
  jitter: true,
  immediate: true,
  timeout: true,
  runOnOneInstance: true,
} satisfies Record<keyof ScheduleOptions, true>);

const DEFAULT_LEASE_MS = 60_000;
/** What a faulty timing is replaced by, while further faults are looked for. */
const SOME_TIMING = everyTiming(1);

/**
 * Reads the `@Scheduled` methods of listener classes and of classes that have nothing else. Adds every fault to
 * `problems`; what is answered is complete only when there are none.
 * @param listeners classes that may have schedules
 * @param schedules classes that must have some
 */
export function readSchedules(
  listeners: unknown,
  schedules: unknown,
  now: number,
  problems: Problems,
): readonly SchedulePlan[] {
  const withListeners = Array.isArray(listeners) ? listeners.flatMap((each) => homeOf(each) ?? []) : [];
  const functions = Array.isArray(schedules) ? [...new Set<unknown>(schedules)].filter(isScheduleFunction) : [];
  const own = readHomes(schedules, problems).filter(({ given }) => !withListeners.some((each) => each.given === given));
  for (const each of own) checkOwn(each.class, problems.at(`class ${each.class.name}`));
  const unique = new Map([...withListeners, ...own].map((each) => [each.given, each]));
  const plans = [
    ...[...unique.values()].flatMap((each) => readHome(each, now, problems)),
    ...functions.map((each) => readScheduleFunction(each, now, problems)),
  ];
  checkIds(plans, problems);
  return plans;
}

/** Whether there is anything to read for {@link readSchedules}. */
export function declaresSchedules(listeners: unknown, schedules: unknown): boolean {
  if (schedules !== undefined) return true;
  const homes = Array.isArray(listeners) ? listeners.flatMap((each) => homeOf(each) ?? []) : [];
  return homes.some((home) => scheduledMethods(home.class).length > 0);
}

function scheduledMethods(type: AnyClass): readonly MergedMethod[] {
  return mergedRecord(type)?.methods.filter(({ schedules }) => schedules.length > 0) ?? [];
}

function readHomes(schedules: unknown, problems: Problems): readonly ClassHome[] {
  if (schedules === undefined) return [];
  if (!Array.isArray(schedules)) {
    problems.add(`schedules must be an array of classes; got ${describeValue(schedules)}`);
    return [];
  }
  return schedules.flatMap((each) => {
    if (isScheduleFunction(each)) return [];
    const home = homeOf(each);
    if (home !== undefined) return home;
    problems.add(
      `schedules holds ${describeValue(each)}; expected a class, an instance of one, or what schedule(...) makes`,
    );
    return [];
  });
}

/** Listener classes have been checked where listeners are read. */
function checkOwn(scheduleClass: AnyClass, problems: Problems): void {
  const merged = mergedRecord(scheduleClass);
  for (const fault of merged?.misplaced ?? []) problems.add(fault);
  const scheduled = scheduledMethods(scheduleClass).length > 0;
  if (merged !== undefined && listens(merged)) problems.add('has @Listener, so that it belongs in listeners');
  else if (!scheduled && (merged?.misplaced.length ?? 0) === 0) problems.add('has no method with @Scheduled');
}

function listens(merged: MergedClass): boolean {
  return merged.listeners.length > 0 || merged.methods.some(({ listeners }) => listeners.length > 0);
}

function readHome(home: ClassHome, now: number, problems: Problems): readonly SchedulePlan[] {
  const scheduleClass = home.class;
  return scheduledMethods(scheduleClass).flatMap((method) => {
    const name = `${scheduleClass.name}.${String(method.key)}`;
    checkMethod(scheduleClass.prototype as object, method, problems.at(`schedule ${name}`));
    return method.schedules.map((declaration, index) => {
      const id = index === 0 ? name : `${name}#${index + 1}`;
      return readSchedule(home, method.key, id, declaration, now, problems);
    });
  });
}

function checkMethod(prototype: object, method: MergedMethod, problems: Problems): void {
  if (method.listeners.length > 0 || method.handlers.length > 0) {
    problems.add(
      'has @Listener or @Handler as well, which call it with a message. Let each of two methods do one thing',
    );
  } else if (method.parameters.size > 0) {
    problems.add(
      'has decorated parameters, but there is no message. It is called with an AbortSignal and nothing else',
    );
  } else checkParameters(prototype, method.key, problems);
  const others = method.interceptors.length + method.sendTo.length + method.idempotent.length;
  if (others > 0 && method.listeners.length + method.handlers.length === 0) {
    problems.add('has decorators that are for listeners. Only @Scheduled has a meaning here');
  }
}

function isScheduleFunction(given: unknown): boolean {
  return functionRecordOf(given)?.kind === 'schedule';
}

const CALL = 'run';
const TIME_NAMES = ['every', 'cron', 'timezone'];

/** Reads what `schedule(...)` made. */
function readScheduleFunction(given: unknown, now: number, problems: Problems): SchedulePlan {
  const { options, call } = functionRecordOf(given) as FunctionRecord;
  const entries = Object.entries(typeof options === 'object' && options !== null ? options : {});
  const times = Object.fromEntries(entries.filter(([name]) => TIME_NAMES.includes(name)));
  const others = Object.fromEntries(entries.filter(([name]) => !TIME_NAMES.includes(name)));
  const { id } = others as { id?: unknown };
  const name = typeof id === 'string' && id !== '' ? id : 'without a name';
  const faults = problems.at(`schedule ${name}`);
  if (id === undefined)
    faults.add("a function has no name that holds: give it an id, as in { id: 'reconcile', every: '20s' }");
  if (typeof call !== 'function') {
    faults.add(`schedule(options, call) takes a function that is called at each beat; got ${describeValue(call)}`);
  }
  const home = { given, class: undefined, instance: Object.create({ [CALL]: call }) as object };
  return readSchedule(home, CALL, name, { times, options: others }, now, problems);
}

/** It is called with a signal, and with nothing else. */
function checkParameters(prototype: object, key: string | symbol, problems: Problems): void {
  const implementation = (prototype as Record<string | symbol, unknown>)[key];
  if (typeof implementation === 'function' && implementation.length > 1) {
    problems.add(`takes ${implementation.length} parameters, but is called with one: an AbortSignal`);
  }
  const fault = contradictedSignal(reflectedTypes(prototype, key)?.[0]);
  if (fault !== undefined) problems.add(fault);
}

function readSchedule(
  home: ListenerHome,
  key: string | symbol,
  defaultId: string,
  { times, options }: ScheduleDeclaration,
  now: number,
  problems: Problems,
): SchedulePlan {
  const place = `schedule ${defaultId}`;
  const faults = problems.at(place);
  const everyMs = { value: Number.POSITIVE_INFINITY };
  const timing = readTimes(times, now, everyMs, faults) ?? SOME_TIMING;
  const plan = { id: defaultId, place, home, key, timing };
  if (!checkOptions(options, OPTION_NAMES, '@Scheduled', faults)) {
    return { ...plan, jitterMs: 0, immediate: false, timeoutMs: undefined, alone: undefined };
  }
  const { id, jitter, immediate, timeout, runOnOneInstance } = options as ScheduleOptions;
  if (id === undefined && home.class !== undefined) {
    checkName(home.class, "@Scheduled({ every: '20s' }, { id: 'reconcile' })", faults);
    if (runOnOneInstance !== undefined && runOnOneInstance !== false) checkLease(home.class, defaultId, key, faults);
  }
  if (id !== undefined && (typeof id !== 'string' || id === ''))
    faults.add(`id must be a name; got ${describeValue(id)}`);
  if (immediate !== undefined && typeof immediate !== 'boolean') {
    faults.add(`immediate must be true or false; got ${describeValue(immediate)}`);
  }
  const jitterMs = jitter === undefined ? 0 : checkDuration(jitter, 'jitter', 0, faults);
  if (jitterMs >= everyMs.value) {
    faults.add(`jitter must be shorter than every, which is ${everyMs.value} ms; got ${describeValue(jitter)}`);
  }
  return {
    ...plan,
    id: typeof id === 'string' && id !== '' ? id : defaultId,
    jitterMs,
    immediate: immediate === true,
    timeoutMs: timeout === undefined ? undefined : positive(timeout, 'timeout', faults),
    alone: readAlone(runOnOneInstance, faults),
  };
}

/** Instances of two builds have to claim the same schedule. */
function checkLease(scheduleClass: AnyClass, id: string, key: string | symbol, problems: Problems): void {
  // Told already.
  if (doubtOfName(scheduleClass) === 'missing') return;
  const line = `@Scheduled(..., { id: '${sourceNameOf(scheduleClass)}.${String(key)}', runOnOneInstance: ... })`;
  const kept = 'Instances of another build would claim another schedule, and both would run.';
  const fault = passingNameFault(scheduleClass, `the id ${describeValue(id)}`, kept, line);
  if (fault !== undefined) problems.add(fault);
}

function readTimes(given: unknown, now: number, everyMs: { value: number }, problems: Problems): Timing | undefined {
  if (!checkOptions(given, ['every', 'cron', 'timezone'], '@Scheduled', problems)) return undefined;
  const { every, cron, timezone } = given as { every?: Duration; cron?: unknown; timezone?: unknown } & ScheduleTimes;
  if ((every === undefined) === (cron === undefined)) {
    problems.add(`@Scheduled takes either every or cron, as in { every: '20s' }; got ${describeValue(given)}`);
    return undefined;
  }
  if (every !== undefined) {
    if (timezone !== undefined) problems.add('timezone belongs to cron; with every there is none');
    const ms = positive(every, 'every', problems);
    if (ms === undefined) return undefined;
    everyMs.value = ms;
    return everyTiming(ms);
  }
  if (typeof cron !== 'string' || (timezone !== undefined && typeof timezone !== 'string')) {
    problems.add(`cron and timezone must be text; got ${describeValue(cron)} and ${describeValue(timezone)}`);
    return undefined;
  }
  try {
    return cronTiming(cron, timezone, now);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const where = timezone === undefined ? '' : ` in ${describeValue(timezone)}`;
    problems.add(`cron ${describeValue(cron)}${where} cannot be followed: ${reason}`);
    return undefined;
  }
}

function readAlone(given: unknown, problems: Problems): SchedulePlan['alone'] {
  if (given === undefined || given === false) return undefined;
  if (given === true) return { store: undefined, leaseMs: DEFAULT_LEASE_MS };
  if (!checkOptions(given, ['store', 'lease'], 'runOnOneInstance', problems)) return undefined;
  const { store, lease } = given as RunOnOneInstanceOptions;
  const leaseMs = lease === undefined ? DEFAULT_LEASE_MS : positive(lease, 'lease', problems);
  return { store, leaseMs: leaseMs ?? DEFAULT_LEASE_MS };
}

function positive(value: Duration, name: string, problems: Problems): number | undefined {
  const before = problems.list.length;
  const ms = checkDuration(value, name, 0, problems);
  if (ms > 0) return ms;
  if (problems.list.length === before) problems.add(`${name} must be more than 0 ms; got ${describeValue(value)}`);
  return undefined;
}

function checkIds(plans: readonly SchedulePlan[], problems: Problems): void {
  const byId = new Map<string, SchedulePlan>();
  for (const plan of plans) {
    const other = byId.get(plan.id);
    if (other === undefined) byId.set(plan.id, plan);
    else
      problems
        .at(plan.place)
        .add(`the id ${JSON.stringify(plan.id)} is taken by ${other.place}. Give one of them another`);
  }
}
