import { isAtLeast, LeveretError, type PolicyDeclaration } from '@leveret/core';
import { asError } from '../errors/broker-reply.js';
import { ManagementApiError, ManagementClient, type ResolvedManagementOptions } from './management-client.js';

/** What came of applying policies. */
export interface ApplyReport {
  /** Names of the policies that the broker has now. */
  readonly applied: readonly string[];
  /** One per policy that was refused. When the API does not answer, the first one only: the rest is not tried. */
  readonly failures: readonly LeveretError[];
  /** What was left out because this broker does not know it any more, in words. */
  readonly notices: readonly string[];
}

/** What is sent of a policy to a broker of some version; `policy` is `undefined` when nothing is left of it. */
export interface FittedPolicy {
  readonly policy: PolicyDeclaration | undefined;
  readonly notice: string | undefined;
}

/**
 * Applies policies through the management HTTP API, one after the other. What exists already changes at once, and what
 * is declared later has them from the start. Doing it again changes nothing. Never rejects.
 * @param version version of the broker, such as `3.10.8`
 * @see https://www.rabbitmq.com/docs/policies
 */
export async function applyPolicies(
  policies: readonly PolicyDeclaration[],
  management: ResolvedManagementOptions,
  version: string,
): Promise<ApplyReport> {
  const client = new ManagementClient(management);
  const fitted = policies.map((policy) => fitPolicy(policy, version));
  const notices = fitted.flatMap(({ notice }) => notice ?? []);
  const applied: string[] = [];
  const failures: LeveretError[] = [];
  for (const { policy } of fitted) {
    if (policy === undefined) continue;
    try {
      await client.putPolicy(policy);
      applied.push(policy.name);
    } catch (error) {
      failures.push(policyError(policy, asError(error)));
      if (!(error instanceof ManagementApiError) || error.status === undefined) break;
    }
  }
  return { applied, failures, notices };
}

/**
 * Leaves `queue-mode` out of a policy for RabbitMQ 3.12 and later, where classic queues are always on disk.
 * @see https://www.rabbitmq.com/docs/lazy-queues
 */
export function fitPolicy(policy: PolicyDeclaration, version: string): FittedPolicy {
  const { 'queue-mode': mode, ...rest } = policy.definition;
  if (mode === undefined || !isAtLeast(version, 3, 12, true)) return { policy, notice: undefined };
  const name = JSON.stringify(policy.name);
  const why = `RabbitMQ ${version} keeps every classic queue on disk (since 3.12), so that nothing is lost by leaving it out`;
  if (Object.keys(rest).length === 0) {
    return { policy: undefined, notice: `Policy ${name} is not applied, for it only sets queue-mode: ${why}.` };
  }
  return { policy: { ...policy, definition: rest }, notice: `Policy ${name} is applied without queue-mode: ${why}.` };
}

function policyError(policy: PolicyDeclaration, cause: Error): LeveretError {
  const text = `Policy ${JSON.stringify(policy.name)} was not applied: ${cause.message}`;
  return new LeveretError('LEV_MANAGEMENT_API', text, { cause });
}
