import type { Declarables } from 'leveret';

/** What a module declares besides its listeners, found by its connection. */
export class LeveretFeature {
  readonly topology: Declarables;
  readonly connection: string;

  constructor(topology: Declarables, connection: string) {
    this.topology = topology;
    this.connection = connection;
  }
}
