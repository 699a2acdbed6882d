import { fitPolicy, policyKeyOf, queueArguments } from '@leveret/amqplib';
import type {
  ApplicationPlan,
  BindingDeclaration,
  ExchangeDeclaration,
  PolicyDeclaration,
  QueueDeclaration,
} from '@leveret/core';
import type { BindingView, ExchangeView, PolicyView, QueueView } from '../management/views.js';
import type { Definitions } from './definitions.js';

/** One thing in which a broker differs from what an application would declare. */
export interface Drift {
  readonly kind: 'create' | 'differs' | 'unused';
  readonly object: 'exchange' | 'queue' | 'binding' | 'policy';
  readonly name: string;
  /** Argument or property that differs. */
  readonly argument?: string;
  /** As the application would declare it, and as it is; `undefined` = not set. */
  readonly wanted?: unknown;
  readonly actual?: unknown;
  /** What to do about it. */
  readonly wayOut: string;
}

/** Every difference, in the order exchanges, queues, bindings, policies. Nothing that is only named is compared. */
export function planTopology(plan: ApplicationPlan, there: Definitions): readonly Drift[] {
  const exchanges = new Map(there.exchanges.map((each) => [each.name, each]));
  const queues = new Map(there.queues.map((each) => [each.name, each]));
  const policies = new Map(there.policies.map((each) => [each.name, each]));
  const version = there.version ?? '';
  return [
    ...plan.exchanges.flatMap((wanted) => exchangeDrift(wanted, exchanges.get(wanted.name))),
    ...plan.queues.flatMap((wanted) => (wanted.exclusive ? [] : queueDrift(wanted, queues.get(wanted.name), version))),
    ...plan.bindings.flatMap((wanted) => bindingDrift(wanted, there.bindings, plan)),
    ...plan.policies.flatMap((wanted) => policyDrift(wanted, policies.get(wanted.name), version)),
    ...unusedQueues(plan, there),
    ...unusedBindings(plan, there),
  ];
}

const APPLY = 'leveret apply declares it, as does the start of the application';
const APPLY_POLICY = 'leveret apply --policies sets it, as does the start of the application';

function exchangeDrift(wanted: ExchangeDeclaration, there: ExchangeView | undefined): readonly Drift[] {
  const { name } = wanted;
  const object = 'exchange';
  if (there === undefined) return [{ kind: 'create', object, name, wayOut: APPLY }];
  if (wanted.declare === 'if-missing' || wanted.assumed) return [];
  const wayOut =
    'an exchange cannot be changed: declare it as it is, or delete it when nobody publishes and let it be declared again with its bindings';
  const facts: readonly (readonly [string, unknown, unknown])[] = [
    ['type', wanted.type, there.type],
    ['durable', wanted.durable, there.durable],
    ['auto-delete', wanted.autoDelete, there.autoDelete],
    ['internal', wanted.internal, there.internal],
    ...argumentsOf(wanted.arguments, there.arguments),
  ];
  return different(facts).map((difference) => {
    const key = policyKeyOf(object, difference.argument);
    const byPolicy = key === undefined ? '' : `leave ${difference.argument} out and set ${key} by a policy; or `;
    return { kind: 'differs' as const, object, name, ...difference, wayOut: byPolicy + wayOut };
  });
}

function queueDrift(wanted: QueueDeclaration, there: QueueView | undefined, version: string): readonly Drift[] {
  const { name } = wanted;
  const object = 'queue';
  if (there === undefined) return [{ kind: 'create', object, name, wayOut: APPLY }];
  if (wanted.declare === 'if-missing' || wanted.assumed) return [];
  const { arguments: args } = queueArguments(wanted, version);
  const { 'x-queue-type': type = 'classic', ...rest } = args;
  const { 'x-queue-type': _type, ...restThere } = there.arguments;
  const facts: readonly (readonly [string, unknown, unknown])[] = [
    ['x-queue-type', type, there.type],
    ['durable', wanted.durable, there.durable],
    ['auto-delete', wanted.autoDelete, there.autoDelete],
    ...argumentsOf(rest, withoutDelayedRetry(restThere, wanted)),
  ];
  return different(facts).map((difference) => ({
    kind: 'differs' as const,
    object,
    name,
    ...difference,
    wayOut: wayOutOf(difference.argument),
  }));
}

/** What the application itself adds on a broker that can hold messages back. */
function withoutDelayedRetry(args: Readonly<Record<string, unknown>>, { delayedRetry }: QueueDeclaration) {
  if (delayedRetry === undefined) return args;
  return Object.fromEntries(Object.entries(args).filter(([name]) => !name.startsWith('x-delayed-retry-')));
}

function wayOutOf(argument: string): string {
  if (argument === 'x-queue-type') {
    return 'a queue keeps its type: declare it as it is; or move it to a quorum queue of another name: leveret migrate queue <name> --to quorum';
  }
  const key = policyKeyOf('queue', argument);
  const other = 'declare it as it is, or delete the queue when it is empty and let it be declared again';
  if (key === undefined) return `a queue cannot be changed: ${other}`;
  return `leave ${argument} out and set ${key} by a policy, which works on queues that exist; or ${other}`;
}

function bindingDrift(
  wanted: BindingDeclaration,
  there: readonly BindingView[],
  { queues }: ApplicationPlan,
): readonly Drift[] {
  if (wanted.source === '' || queues.some(({ name, exclusive }) => exclusive && name === wanted.destination)) return [];
  if (there.some((each) => bindingName(each) === bindingName(wanted))) return [];
  return [{ kind: 'create', object: 'binding', name: bindingName(wanted), wayOut: APPLY }];
}

function policyDrift(declared: PolicyDeclaration, there: PolicyView | undefined, version: string): readonly Drift[] {
  const { policy: wanted } = fitPolicy(declared, version);
  // Nothing of it is left on this version.
  if (wanted === undefined) return [];
  const { name } = wanted;
  const object = 'policy';
  if (there === undefined) return [{ kind: 'create', object, name, wayOut: APPLY_POLICY }];
  const facts: readonly (readonly [string, unknown, unknown])[] = [
    ['pattern', wanted.pattern, there.pattern],
    ['apply-to', wanted.applyTo, there.applyTo],
    ['priority', wanted.priority, there.priority],
    ...argumentsOf(wanted.definition, there.definition),
  ];
  return different(facts).map((difference) => ({
    ...{ kind: 'differs' as const, object, name, ...difference, wayOut: APPLY_POLICY },
  }));
}

const UNUSED =
  'nobody of these applications declares it: when it is empty and no other application uses it, delete it by hand';
const RUNG = /^leveret(?:\.[\w-]+)?\.wait\.(\d+)(?:\.classic)?$/;

/** Delay rungs that no listener waits in, and queues on exchanges of the application that it does not declare. */
function unusedQueues(plan: ApplicationPlan, there: Definitions): readonly Drift[] {
  const wanted = new Set(plan.queues.map(({ name }) => name));
  const delays = new Set(plan.listeners.flatMap(({ redeliverMs }) => redeliverMs).map(String));
  const own = new Set(plan.exchanges.filter(isDeclared).map(({ name }) => name));
  const consumed = new Set(plan.listeners.map(({ queue }) => queue));
  return there.queues.flatMap((queue) => {
    const { name, consumers, exclusive } = queue;
    if (wanted.has(name) || consumed.has(name) || exclusive) return [];
    const rung = RUNG.exec(name);
    const isUnused =
      rung !== null
        ? isRungOf(name, plan.service) && !delays.has(rung[1] ?? '') && rung[1] !== '0'
        : consumers === 0 && there.bindings.some((each) => each.destination === name && own.has(each.source));
    const held = there.isLive ? `it holds ${queue.messages} messages; ` : '';
    return isUnused ? [{ kind: 'unused' as const, object: 'queue' as const, name, wayOut: held + UNUSED }] : [];
  });
}

function isRungOf(name: string, service: string | undefined): boolean {
  return service === undefined ? /^leveret\.wait\./.test(name) : name.startsWith(`leveret.${service}.wait.`);
}

/** Bindings of queues that the application declares in full, from exchanges that it declares in full, which it does not declare. */
function unusedBindings(plan: ApplicationPlan, there: Definitions): readonly Drift[] {
  const wanted = new Set(plan.bindings.map(bindingName));
  const exchanges = new Set(plan.exchanges.filter(isDeclared).map(({ name }) => name));
  const queues = new Set(plan.queues.filter(isDeclared).map(({ name }) => name));
  return there.bindings.flatMap((binding) => {
    const isOwn =
      binding.destinationType === 'queue' && exchanges.has(binding.source) && queues.has(binding.destination);
    const name = bindingName(binding);
    if (!isOwn || wanted.has(name)) return [];
    const wayOut = `messages still come this way: declare it, or unbind it (rabbitmqadmin, or the management UI)`;
    return [{ kind: 'unused' as const, object: 'binding' as const, name, wayOut }];
  });
}

function isDeclared({ declare, assumed }: Pick<QueueDeclaration, 'declare' | 'assumed'>): boolean {
  return declare === 'always' && assumed !== true;
}

function bindingName({ source, destination, routingKey, arguments: args }: BindingView | BindingDeclaration): string {
  const more = Object.keys(args).length === 0 ? '' : ` ${canonical(args)}`;
  return `${source} -> ${destination} (${routingKey})${more}`;
}

function argumentsOf(
  wanted: Readonly<Record<string, unknown>>,
  there: Readonly<Record<string, unknown>>,
): readonly (readonly [string, unknown, unknown])[] {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(there)])].sort();
  return names.map((name) => [name, wanted[name], there[name]]);
}

function different(facts: readonly (readonly [string, unknown, unknown])[]) {
  return facts
    .filter(([, wanted, actual]) => canonical(wanted) !== canonical(actual))
    .map(([argument, wanted, actual]) => ({ argument, wanted, actual }));
}

/** Equal for values that are equal whatever the order of their keys. */
function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, each: unknown) =>
      typeof each === 'object' && each !== null && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
        : each,
    ) ?? 'undefined'
  );
}
