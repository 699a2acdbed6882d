import type { BrokerVersion } from '@leveret/broker';
import { describeDifference, judgeOn, PATIENT, type Verdict } from './program/compare.js';
import type { Scenario } from './scenarios/scenario.js';
import type { Target } from './targets/target.js';

/** How a suite of scenarios went. */
export interface SuiteReport {
  readonly version: BrokerVersion;
  readonly equal: number;
  readonly different: readonly { readonly name: string; readonly text: string }[];
  /** Names of those to which the node itself gives several answers, the embedded broker's among them. */
  readonly undetermined: readonly string[];
}

/** Runs the scenarios that the node's version knows: side by side, and those that touch the whole node by themselves. */
export async function runSuite(scenarios: readonly Scenario[], targets: readonly Target[]): Promise<SuiteReport> {
  const version = targets[0]?.version ?? '4.3';
  const known = scenarios.filter(({ versions }) => versions?.includes(version) ?? true);
  const different: { name: string; text: string }[] = [];
  const undetermined: string[] = [];
  const note = (scenario: Scenario, result: Verdict): void => {
    if (result.kind === 'equal') return;
    if (result.kind === 'undetermined') {
      undetermined.push(scenario.name);
      return;
    }
    const text =
      result.kind === 'different'
        ? describeDifference(scenario, result)
        : `  the node never kept up: ${Math.round(result.driftMs)} ms behind`;
    different.push({ name: scenario.name, text });
  };
  const waiting = known.filter(({ alone }) => alone !== true);
  const work = async (target: Target): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      note(next, await judgeOn(next, target, PATIENT));
    }
  };
  await Promise.all(targets.map(work));
  const [first] = targets;
  for (const scenario of known.filter(({ alone }) => alone === true)) {
    if (first !== undefined) note(scenario, await judgeOn(scenario, first, PATIENT));
  }
  different.sort((a, b) => (a.name < b.name ? -1 : 1));
  return { version, equal: known.length - different.length - undetermined.length, different, undetermined };
}
