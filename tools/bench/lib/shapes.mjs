/**
 * What is sent, and the classes it is read as, with the same rules for everybody. They are made from the modules of whoever is
 * measured: leveret's and its peers' need not be the same copies.
 */
const payment = {
  orderId: 4711,
  paidAt: '2026-11-23T10:00:00.000Z',
  currency: 'EUR',
  amount: 1999,
  customer: 'c-4711-20261123',
  note: 'n'.repeat(60),
};

const item = (number) => ({ sku: `sku-${1000 + number}`, quantity: 1 + (number % 5), price: 1999 });

/** By kind: `bytes`, `json`, `class` (6 properties), `nested` (a list of 20 objects). */
export const PAYLOADS = {
  bytes: payment,
  json: payment,
  class: payment,
  nested: { orderId: 4711, items: Array.from({ length: 20 }, (_, number) => item(number)) },
};

export function makeShapes({ Type }, { IsArray, IsInt, IsISO8601, IsString, Length, Min, ValidateNested }) {
  const decorate = (type, property, ...decorators) => {
    for (const decorator of decorators) decorator(type.prototype, property);
  };
  class Payment {}
  decorate(Payment, 'orderId', IsInt());
  decorate(Payment, 'paidAt', IsISO8601());
  decorate(Payment, 'currency', IsString(), Length(3, 3));
  decorate(Payment, 'amount', IsInt(), Min(0));
  decorate(Payment, 'customer', IsString());
  decorate(Payment, 'note', IsString());
  class Item {}
  decorate(Item, 'sku', IsString());
  decorate(Item, 'quantity', IsInt(), Min(1));
  decorate(Item, 'price', IsInt());
  class Order {}
  decorate(Order, 'orderId', IsInt());
  decorate(
    Order,
    'items',
    IsArray(),
    ValidateNested({ each: true }),
    Type(() => Item),
  );
  return { bytes: Buffer, json: Object, class: Payment, nested: Order };
}
