import { makePolicy, type Policy, type PolicyRequest, policyFor } from './policy.js';

/** The policies of a virtual host, by name. */
export class PolicyTable {
  readonly #policies = new Map<string, Policy>();

  [Symbol.iterator](): Iterator<Policy> {
    return this.#policies.values();
  }

  /** The policy in force for a resource; `kind` is `exchange` or the type of a queue. */
  inForce(name: string, kind: string): Policy | undefined {
    return policyFor(this.#policies.values(), name, kind);
  }

  /**
   * Adds or replaces a policy.
   *
   * @throws {InvalidPolicyError} for a definition RabbitMQ would refuse
   */
  set(name: string, request: PolicyRequest): Policy {
    const policy = makePolicy(name, request);
    this.#policies.set(name, policy);
    return policy;
  }

  /** `false` when there is no such policy. */
  delete(name: string): boolean {
    return this.#policies.delete(name);
  }
}
