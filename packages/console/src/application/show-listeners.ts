import type { Clock, ListenerSnapshot } from '@leveret/core';
import { redactUrls } from '@leveret/core';
import type { ListenerJson } from '../contract/contract.js';
import { RateMeter } from '../time/rate-meter.js';
import type { ConsoleApplication } from './console-application.js';

/** Shows listeners, with how fast they are, which takes two looks. */
export class ListenerView {
  readonly #application: ConsoleApplication;
  readonly #clock: Clock;
  readonly #meters = new Map<string, { readonly handled: RateMeter; readonly failed: RateMeter }>();

  constructor(application: ConsoleApplication, clock: Clock) {
    this.#application = application;
    this.#clock = clock;
  }

  all(): readonly ListenerJson[] {
    return this.#application.listeners.all.map((listener) => this.#json(listener.inspect()));
  }

  #json(snapshot: ListenerSnapshot): ListenerJson {
    const { id, queue, state, atWork, concurrency, counts, paused } = snapshot;
    const meters = this.#meters.get(id) ?? { handled: new RateMeter(this.#clock), failed: new RateMeter(this.#clock) };
    this.#meters.set(id, meters);
    return {
      ...{ id, queue, state, concurrency },
      busy: atWork,
      handledPerSecond: meters.handled.see(counts.handled),
      failedPerSecond: meters.failed.see(counts.failed),
      handled: counts.handled,
      failed: counts.failed,
      parked: counts.recovered,
      pausedBecause: paused?.reason,
      hint: hintOf(snapshot),
    };
  }
}

/** Decides what a person should know, or do. */
export function hintOf({
  state,
  paused,
  lastError,
  attached,
  wanted,
  redelivery,
}: ListenerSnapshot): string | undefined {
  const why = lastError === undefined ? '' : `: ${redactUrls(lastError.message)}`;
  if (state === 'failed') return `It failed, and does not come back by itself${why}`;
  if (paused?.by === 'kill-switch') {
    return 'Its kill switch has paused it: most of what it did failed. It tries a message now and then, and goes on when that is handled.';
  }
  if (paused !== undefined) return 'Somebody has paused it. Messages wait in its queue.';
  if (state === 'running' && attached < wanted)
    return `${wanted - attached} of ${wanted} consumers are not attached${why}`;
  const stranded = redelivery?.stranded;
  if (stranded === undefined || stranded.messages === 0) return undefined;
  return `${stranded.messages} messages wait in ${stranded.queue}: their queue was gone when their time had come.`;
}
