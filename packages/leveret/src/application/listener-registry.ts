import type { ListenerContainer, ListenerSnapshot } from '@leveret/core';
import { Registry } from './registry.js';

/** A listener as the application controls it. */
export type RunningListener = Pick<
  ListenerContainer,
  'id' | 'state' | 'start' | 'stop' | 'pause' | 'resume' | 'inspect' | 'lookAtWaiting' | 'release'
>;

/** The listeners of an application, by id. */
export class ListenerRegistry extends Registry<RunningListener, ListenerSnapshot> {
  constructor(listeners: readonly RunningListener[]) {
    super('listener', listeners);
  }
}
