import type { DeliveryContext } from '@leveret/core';
import { type AttemptScope, hasMethods, type ServiceToken } from './container-port.js';

/**
 * The scopes of attempts that are at work: one for each, opened when its first class is asked for, and disposed when the
 * attempt has ended (decision 8): what a handler that runs on behind its time-out still holds is not taken from it.
 */
export class AttemptScopes {
  readonly #open: (context: DeliveryContext) => unknown;
  readonly #onFailure: (error: unknown) => void;
  readonly #scopes = new WeakMap<DeliveryContext, AttemptScope | Promise<AttemptScope>>();
  readonly #disposing = new Set<Promise<void>>();

  /**
   * @param open a scope, or a promise of one
   * @param onFailure told when a scope would not be disposed
   */
  constructor(open: (context: DeliveryContext) => unknown, onFailure: (error: unknown) => void) {
    this.#open = open;
    this.#onFailure = onFailure;
  }

  /** What the scope of this attempt has for a token; a promise when scope or instance takes time. */
  resolve(token: ServiceToken, context: DeliveryContext): unknown {
    const scope = this.#scopes.get(context) ?? this.#opened(context);
    return scope instanceof Promise
      ? scope.then((opened) => opened.resolve(token, context))
      : scope.resolve(token, context);
  }

  /** The attempt has ended. Nothing happens when it had no scope. */
  ended(context: DeliveryContext): void {
    const scope = this.#scopes.get(context);
    if (scope === undefined) return;
    this.#scopes.delete(context);
    const disposed = this.#dispose(scope).finally(() => this.#disposing.delete(disposed));
    this.#disposing.add(disposed);
  }

  /** Resolves when every scope that is being disposed is gone. */
  async allDisposed(): Promise<void> {
    await Promise.all(this.#disposing);
  }

  #opened(context: DeliveryContext): AttemptScope | Promise<AttemptScope> {
    const opened = this.#open(context);
    const scope = opened instanceof Promise ? opened.then(requireScope) : requireScope(opened);
    this.#scopes.set(context, scope);
    return scope;
  }

  async #dispose(scope: AttemptScope | Promise<AttemptScope>): Promise<void> {
    let opened: AttemptScope;
    try {
      opened = await scope;
    } catch {
      // It was never opened: the attempt has failed with the reason.
      return;
    }
    try {
      await opened.dispose?.();
    } catch (error) {
      this.#onFailure(error);
    }
  }
}

function requireScope(opened: unknown): AttemptScope {
  if (hasMethods(opened, ['resolve'])) return opened as AttemptScope;
  throw new Error(`createScope() of the container answered ${String(opened)}, which has no resolve(token)`);
}
