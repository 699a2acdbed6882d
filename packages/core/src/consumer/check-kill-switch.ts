import type { TopologyWarning } from '../topology/topology-warnings.js';
import type { ListenerDefinition } from './listener-definition.js';

/** What keeps a kill switch from ever tripping: attempts that time out one after the other are too few within its time. */
export function checkKillSwitch({
  id,
  killSwitch,
  timeoutMs,
  concurrency,
}: ListenerDefinition): readonly TopologyWarning[] {
  if (killSwitch === undefined || timeoutMs === undefined) return [];
  const { activeAt, withinMs } = killSwitch;
  const neededMs = Math.ceil(activeAt / concurrency) * timeoutMs;
  if (neededMs <= withinMs) return [];
  return [
    {
      kind: 'kill-switch-too-slow',
      text: `Listener ${id}: where each attempt runs into its timeout of ${timeoutMs} ms, ${activeAt} attempts (killSwitch.activeAt) by ${concurrency} at a time take ${neededMs} ms, but only those of the last ${withinMs} ms are looked at (killSwitch.within): it would never trip. Make timeout or activeAt smaller, or within longer.`,
    },
  ];
}
