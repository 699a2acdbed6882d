/** Headers of the broker that belong to a delivery, not to the message. */
export function isOfTheDelivery(name: string): boolean {
  return name === 'x-delivery-count' || name === 'x-acquired-count';
}
