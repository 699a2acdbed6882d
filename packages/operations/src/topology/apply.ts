import { queueArguments } from '@leveret/amqplib';
import type { ApplicationPlan } from '@leveret/core';
import type { OperationsSession } from '../session/operations-session.js';

/** What {@link apply} has declared. */
export interface Applied {
  readonly exchanges: number;
  readonly queues: number;
  readonly bindings: number;
  readonly policies: number;
  /** What was left out because this broker does not know it any more, in words. */
  readonly notices: readonly string[];
  /** What was refused, with the broker's words; the rest was declared. */
  readonly refused: readonly string[];
}

/** Options of {@link apply}. */
export interface ApplyOptions {
  /** Policies, too: they work on what is there, also on queues of others that their patterns match. Default `false`. */
  readonly policies?: boolean | undefined;
}

/**
 * Declares exchanges, queues and bindings of a plan, and consumes nothing. What is there with other properties is refused by the
 * broker and left as it is. Exclusive queues are left out: they belong to the connection of the application.
 * @throws {LeveretError} LEV_OPERATION_REFUSED for policies without a management API, before anything is declared
 */
export async function apply(
  session: OperationsSession,
  plan: ApplicationPlan,
  { policies = false }: ApplyOptions = {},
): Promise<Applied> {
  const reader =
    policies && plan.policies.length > 0
      ? await session.needManagement('Applying policies', 'Say where it is, or leave policies to the application.')
      : undefined;
  const { broker } = session;
  const { version } = broker.broker;
  const refused: string[] = [];
  const attempt = async (what: string, work: () => Promise<unknown>): Promise<number> => {
    try {
      await work();
      return 1;
    } catch (error) {
      if (!broker.isOpen) throw error;
      refused.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      return 0;
    }
  };
  let [exchanges, queues, bindings] = [0, 0, 0];
  for (const { name, type, durable, autoDelete, internal, arguments: args, declare } of plan.exchanges) {
    if (declare === 'if-missing' && (await broker.exchangeExists(name))) continue;
    const options = { durable, autoDelete, internal, arguments: { ...args } };
    exchanges += await attempt(`exchange ${name}`, () => broker.declareExchange(name, type, options));
  }
  const shared = plan.queues.filter(({ exclusive }) => !exclusive);
  for (const queue of shared) {
    const { name, durable, autoDelete, declare } = queue;
    if (declare === 'if-missing' && (await broker.queue(name)) !== undefined) continue;
    const options = { durable, autoDelete, arguments: { ...queueArguments(queue, version).arguments } };
    queues += await attempt(`queue ${name}`, () => broker.declareQueue(name, options));
  }
  const own = new Set(plan.queues.filter(({ exclusive }) => exclusive).map(({ name }) => name));
  for (const { source, destination, destinationType, routingKey, arguments: args } of plan.bindings) {
    if (own.has(destination)) continue;
    const bind = () =>
      destinationType === 'queue'
        ? broker.bindQueue(destination, source, routingKey, { ...args })
        : broker.bindExchange(destination, source, routingKey, { ...args });
    bindings += await attempt(`binding ${source} -> ${destination}`, bind);
  }
  const report = await reader?.applyPolicies(plan.policies, version);
  refused.push(...(report?.failures ?? []).map(({ message }) => message));
  const notices = report?.notices ?? [];
  return { exchanges, queues, bindings, policies: report?.applied.length ?? 0, notices, refused };
}
