/**
 * The `DeliveryContext` of the attempt that an instance is made for, to inject into classes in request scope and what
 * they depend on: `@inject(DELIVERY_CONTEXT) context: DeliveryContext`.
 */
export const DELIVERY_CONTEXT: unique symbol = Symbol.for('leveret.delivery-context');
