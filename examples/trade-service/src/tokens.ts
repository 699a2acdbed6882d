/** The service's `ServiceDatabase`. */
export const DATABASE = Symbol('database');

/** The service's `TransactionalInbox`. */
export const INBOX = Symbol('inbox');

/** The address of the pay service. */
export const PAY_SERVICE_URL = Symbol('pay service url');
