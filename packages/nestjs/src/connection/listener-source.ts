import type { ContextId } from '@nestjs/core';
import type { DeliveryContext, Publisher } from 'leveret';
import type { ListenerSearch } from '../discovery/find-listeners.js';
import type { NestFramework } from '../execution/nest-framework.js';

/** What another way to declare listeners looks through, and calls them with. */
export interface SourceSearch extends ListenerSearch {
  readonly framework: NestFramework;
  readonly publisher: Publisher;
  readonly contextIds: WeakMap<DeliveryContext, ContextId>;
}

/** Another way to declare listeners than leveret's decorators. */
export interface ListenerSource {
  find(search: SourceSearch): FurtherListeners;
}

/** What it declares. */
export interface FurtherListeners {
  /** As `Leveret.start({ listeners })` takes them. */
  readonly listeners: readonly object[];
  /** What is probably not meant. */
  readonly warnings: readonly string[];
}
