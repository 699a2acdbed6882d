/** What the container knows things as that have no class of their own. */
export const INBOX = Symbol('inbox');
export const OUTBOX = Symbol('outbox');
export const MAIL = Symbol('mail');
export const CLAIMS = Symbol('claims');

export interface Mail {
  send(text: string, options: { readonly idempotencyKey: string }): Promise<void>;
}
