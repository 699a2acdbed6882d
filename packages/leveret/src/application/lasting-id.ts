import { type CrashLoopPolicy, describeValue, type Problems, type StreamOffsetStore } from '@leveret/core';
import { isClass } from '../reading/class-kind.js';
import { doubtOfName, passingNameFault, sourceNameOf } from '../reading/class-name.js';
import type { ListenerPlan } from '../reading/listener-plan.js';

/** What is kept under the id of a listener, outside of its process. */
export interface KeptUnderId {
  /** Whether it has handlers with `@Idempotent`. */
  readonly guarded: boolean;
  readonly crashLoop: CrashLoopPolicy | undefined;
  readonly streamOffsets: StreamOffsetStore | undefined;
}

/** Notes a fault when something is kept under an id that another build of the same source would not have. */
export function checkLastingId({ id, idOf, handler }: ListenerPlan, kept: KeptUnderId, problems: Problems): void {
  if (idOf === undefined || (isClass(idOf) && doubtOfName(idOf) === 'missing')) return;
  const losses = [
    ...(kept.guarded ? ['which messages were handled, and they are handled again'] : []),
    ...(kept.crashLoop?.store === undefined ? [] : ['which messages ended the process']),
    ...(kept.streamOffsets === undefined ? [] : ['how far its stream was read']),
  ];
  if (losses.length === 0) return;
  const what = `the id ${describeValue(id)}`;
  const loses = `With another id it does not know ${losses.join(', nor ')}.`;
  if (!isClass(idOf)) {
    problems.add(
      `${what} is the name of its function, which a build may change. ${loses} Give it one: { id: 'on-paid' }`,
    );
    return;
  }
  const method = handler.kind === 'single' ? `.${String(handler.route.key)}` : '';
  const line = `@Listener({ id: '${sourceNameOf(idOf)}${method}${/#\d+$/.exec(id)?.[0] ?? ''}', ... })`;
  const fault = passingNameFault(idOf, what, loses, line);
  if (fault !== undefined) problems.add(fault);
}
