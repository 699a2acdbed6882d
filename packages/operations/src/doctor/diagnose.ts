import { applicationChecks } from './application-checks.js';
import { brokerChecks } from './broker-checks.js';
import type { Facts } from './facts.js';
import type { Finding } from './finding.js';
import { flowChecks } from './flow-checks.js';
import { queueChecks } from './queue-checks.js';

/** Every finding, errors first. */
export function diagnose(facts: Facts): readonly Finding[] {
  const findings = [...brokerChecks(facts), ...queueChecks(facts), ...flowChecks(facts), ...applicationChecks(facts)];
  return findings.sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'));
}
