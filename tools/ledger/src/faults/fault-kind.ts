import type { Random } from '../run/random.js';
import type { World } from '../run/world.js';

/** One way in which things go wrong. */
export interface FaultKind {
  readonly name: string;
  /** As the list of faults in the README numbers them. */
  readonly code: string;
  /** How often it comes in a deck of faults, which is shuffled anew each time. */
  readonly share: number;
  /** Whether it makes sense there. */
  fits?(world: World): boolean;
  /**
   * Makes it happen, and resolves when its cause is gone. Where that is earlier, `over` says so; what is behind `over` is
   * cleaning up, such as starting a new process for one that was killed.
   */
  inject(world: World, random: Random, over: () => void): Promise<void>;
}
